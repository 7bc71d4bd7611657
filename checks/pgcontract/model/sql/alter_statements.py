"""Reads what changes, drops or describes an object: ALTER, DROP, COMMENT ON."""

from __future__ import annotations

from pgcontract.model.sql.identifiers import dotted
from pgcontract.model.sql.implied_objects import add_child, add_column, add_constraint, add_identity
from pgcontract.model.sql.object_references import OF_A_TABLE, RELATIONS, read_kind, read_object
from pgcontract.model.sql.table_elements import Column, Constraint, is_constraint, read_column, read_constraint
from pgcontract.model.sql.text_catalog import Ledger, Path
from pgcontract.model.sql.token_cursor import Cursor, Unreadable


def read_drop(at: Cursor, ledger: Ledger) -> None:
    """Writes down every object that a DROP names."""
    kind = read_kind(at)
    if not kind:
        ledger.miss(f"DROP {at.peek()} is not followed here")
        return
    at.takes("CONCURRENTLY")
    if_exists = at.takes("IF", "EXISTS")
    if kind in OF_A_TABLE:
        name = at.name()
        at.takes("ON")
        table = ledger.existing(at.path(), "table", "view")
        ledger.drop(kind, dotted(*table, name), if_exists=if_exists)
        return
    while at:
        start = at.at
        name, path = read_object(at, ledger, kind)
        if kind in RELATIONS and ledger.is_temporary(Cursor(at.tokens[start:]).path()):
            pass
        elif kind == "schema":
            ledger.drop_schema(path[0], if_exists=if_exists)
        else:
            ledger.drop(kind, name, if_exists=if_exists)
        if not at.takes(","):
            break


def read_comment(at: Cursor, ledger: Ledger) -> None:
    """Writes down a comment as `<kind> <name>`, or drops it where it IS NULL."""
    if not at.takes("ON"):
        raise Unreadable("COMMENT is not followed by ON")
    kind = read_kind(at)
    if not kind:
        ledger.miss(f"COMMENT ON {at.peek()} is not followed here")
        return
    if kind in OF_A_TABLE:
        own = at.name()
        at.takes("ON")
        of_domain = at.takes("DOMAIN")
        name = dotted(*ledger.existing(at.path(), *(("type",) if of_domain else ("table", "view"))), own)
    elif kind == "column":
        relation, column = at.column()
        name = dotted(*ledger.existing(relation, "table", "view", "type"), column)
    else:
        name, _ = read_object(at, ledger, kind)
    at.takes("IS")
    if at.takes("NULL"):
        ledger.drop("comment", f"{kind} {name}")
    else:
        ledger.note("comment", f"{kind} {name}", (kind, name))


def read_alter(at: Cursor, ledger: Ledger) -> None:
    """Writes down what an ALTER adds, drops or renames; most of them change only how an object is."""
    if at.takes("DEFAULT", "PRIVILEGES"):
        ledger.miss("ALTER DEFAULT PRIVILEGES acts on objects and roles that the text does not name")
        return
    kind = read_kind(at)
    if kind in OF_A_TABLE:
        name = at.name()
        at.takes("ON")
        table = ledger.existing(at.path(), "table", "view")
        if at.takes("RENAME", "TO"):
            ledger.rename(kind, (*table, name), (*table, at.name()))
        return
    if not kind:
        return
    at.takes("IF", "EXISTS")
    at.takes("ONLY")
    start = at.at
    if kind in RELATIONS and ledger.is_temporary(Cursor(at.tokens[start:]).path()):
        return
    name, path = read_object(at, ledger, kind)
    at.takes("*")
    suffix = name.removeprefix(dotted(*path))
    if at.takes("RENAME", "TO"):
        _rename(at, ledger, kind, path, suffix)
    elif at.takes("SET", "SCHEMA"):
        ledger.rename(kind, path, (at.name(), path[-1]), suffix)
    elif kind == "table":
        _alter_table(at, ledger, path)
    elif kind == "type":
        _alter_type(at, ledger, path)


def _rename(at: Cursor, ledger: Ledger, kind: str, path: Path, suffix: str) -> None:
    new = (*path[:-1], at.name())
    if kind == "index":
        # An index that keeps a constraint has the constraint's name.
        for each in list(ledger.left.values()):
            if each.kind == "constraint" and each.keys and each.path[0] == path[0] and each.path[-1] == path[-1]:
                ledger.rename("constraint", each.path, (*each.path[:-1], new[-1]))
                return
    ledger.rename(kind, path, new, suffix)


def _alter_table(at: Cursor, ledger: Ledger, table: Path) -> None:
    if at.takes("RENAME"):
        kind = "constraint" if at.takes("CONSTRAINT") else "column"
        at.takes("COLUMN")
        old = at.name()
        at.takes("TO")
        ledger.rename(kind, (*table, old), (*table, at.name()))
        return
    if at.takes("ATTACH", "PARTITION"):
        ledger.heirs[dotted(*table)].append(child := ledger.existing(at.path(), "table"))
        ledger.partitions[dotted(*table)].append(child)
        ledger.miss(f"{dotted(*child)} takes over keys, indexes and triggers of {dotted(*table)} that it lacks")
        return
    if at.takes("DETACH", "PARTITION"):
        child = ledger.existing(at.path(), "table")
        for family in (ledger.heirs, ledger.partitions):
            family[dotted(*table)] = [each for each in family[dotted(*table)] if each != child]
        return
    for action in at.parts():
        _act(action, ledger, table)


def _act(action: Cursor, ledger: Ledger, table: Path) -> None:
    """One of the comma-separated actions of ALTER TABLE."""
    known = ledger.columns(table)
    if action.takes("ADD"):
        if is_constraint(action):
            add_constraint(ledger, table, read_constraint(action, ledger, known))
            return
        action.takes("COLUMN")
        if_not_exists = action.takes("IF", "NOT", "EXISTS")
        add_column(ledger, table, read_column(action, ledger, known), if_not_exists=if_not_exists)
    elif action.takes("DROP", "CONSTRAINT"):
        if_exists = action.takes("IF", "EXISTS")
        name = action.name()
        for each in (table, *ledger.heirs[dotted(*table)]):
            ledger.drop("constraint", dotted(*each, name), if_exists=if_exists)
    elif action.takes("DROP"):
        action.takes("COLUMN")
        if_exists = action.takes("IF", "EXISTS")
        ledger.drop_column(table, action.name(), if_exists=if_exists)
    elif action.takes("ALTER"):
        action.takes("COLUMN")
        _alter_column(action, ledger, table)
    elif action.takes("INHERIT"):
        add_child(ledger, ledger.existing(action.path(), "table"), table, partition=False)


def _alter_column(action: Cursor, ledger: Ledger, table: Path) -> None:
    offset, name = action.offset, action.name()
    if action.takes("ADD", "GENERATED"):
        add_identity(ledger, table, Column(name=name, offset=offset, generator="identity"))
    elif action.takes("DROP", "IDENTITY"):
        for sequence in ledger.parts(table, "sequence"):
            if sequence.form == "identity" and sequence.columns == (name,):
                ledger.drop("sequence", sequence.name, if_exists=action.takes("IF", "EXISTS"))


def _alter_type(at: Cursor, ledger: Ledger, path: Path) -> None:
    """Of types, only a domain's constraints are objects."""
    if at.takes("ADD"):
        offset = at.offset
        name = at.name() if at.takes("CONSTRAINT") else None
        if at.takes("CHECK"):
            add_constraint(ledger, path, Constraint(form="check", name=name, offset=offset))
    elif at.takes("DROP", "CONSTRAINT"):
        if_exists = at.takes("IF", "EXISTS")
        ledger.drop("constraint", dotted(*path, at.name()), if_exists=if_exists)
    elif at.takes("RENAME", "CONSTRAINT"):
        old = at.name()
        at.takes("TO")
        ledger.rename("constraint", (*path, old), (*path, at.name()))
