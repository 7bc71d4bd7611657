"""Reads what alters, drops, describes and grants: ALTER, DROP, COMMENT ON, GRANT."""

from __future__ import annotations

from collections.abc import Iterator

from pgcontract.sqltext.cursor import Cursor, Unreadable
from pgcontract.sqltext.definitions import type_lookup
from pgcontract.sqltext.ledger import Ledger, Path
from pgcontract.sqltext.making import add_child, add_column, add_constraint, add_identity
from pgcontract.sqltext.naming import dotted, quoted
from pgcontract.sqltext.tables import Column, Constraint, is_constraint, read_column, read_constraint
from pgcontract.sqltext.typename import input_types

# The words that open an object's kind in DROP, ALTER and COMMENT ON, and the kind they mean; longer ones first.
_KINDS: dict[tuple[str, ...], str] = {
    ("FOREIGN", "TABLE"): "table",
    ("TABLE",): "table",
    ("COLUMN",): "column",
    ("CONSTRAINT",): "constraint",
    ("INDEX",): "index",
    ("MATERIALIZED", "VIEW"): "view",
    ("VIEW",): "view",
    ("SEQUENCE",): "sequence",
    ("SCHEMA",): "schema",
    ("EXTENSION",): "extension",
    ("TYPE",): "type",
    ("DOMAIN",): "type",
    ("FUNCTION",): "function",
    ("PROCEDURE",): "function",
    ("ROUTINE",): "function",
    ("AGGREGATE",): "function",
    ("EVENT", "TRIGGER"): "event_trigger",
    ("TRIGGER",): "trigger",
    ("POLICY",): "policy",
    ("RULE",): "rule",
    ("PUBLICATION",): "publication",
    ("STATISTICS",): "statistics",
    ("ROLE",): "role",
    ("USER",): "role",
    ("COLLATION",): "other",
    ("SERVER",): "other",
}
_OF_A_TABLE = ("constraint", "trigger", "policy", "rule")
_OF_THE_DATABASE = ("schema", "extension", "event_trigger", "publication", "role")
_RELATIONS = ("table", "view", "sequence", "index")


def read_drop(at: Cursor, ledger: Ledger) -> None:
    """Writes down every object that a DROP names."""
    kind = _kind(at)
    if not kind:
        ledger.miss(f"DROP {at.peek()} is not followed here")
        return
    at.takes("CONCURRENTLY")
    if_exists = at.takes("IF", "EXISTS")
    if kind in _OF_A_TABLE:
        name = at.name()
        at.takes("ON")
        table = ledger.existing(at.path(), "table", "view")
        for each in (table, *(ledger.heirs[dotted(*table)] if kind == "trigger" else ())):
            ledger.drop(kind, dotted(*each, name), if_exists=if_exists)
        return
    while at:
        start = at.at
        name, path = _object(at, ledger, kind)
        if kind in _RELATIONS and ledger.is_temporary(tuple(Cursor(at.tokens[start:]).path())):
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
    kind = _kind(at)
    if not kind:
        ledger.miss(f"COMMENT ON {at.peek()} is not followed here")
        return
    if kind in _OF_A_TABLE:
        own = at.name()
        at.takes("ON")
        of_domain = at.takes("DOMAIN")
        name = dotted(*ledger.existing(at.path(), *(("type",) if of_domain else ("table", "view"))), own)
    elif kind == "column":
        *relation, column = at.path()
        name = dotted(*ledger.existing(tuple(relation), "table", "view", "type"), column)
    else:
        name, _ = _object(at, ledger, kind)
    at.takes("IS")
    if at.takes("NULL"):
        ledger.drop("comment", f"{kind} {name}")
    else:
        ledger.note("comment", f"{kind} {name}", (kind, name))


def read_grant(at: Cursor, ledger: Ledger, *, revoke: bool = False) -> None:
    """Writes down a grant as `<kind> <object> to <grantee>`; a REVOKE of everything takes it away again."""
    if revoke and at.takes("GRANT", "OPTION", "FOR"):
        return
    first = at.at
    if at.seek("ON", "TO", "FROM") != "ON":
        # Membership in a role is no privilege on an object.
        return
    privileges = at.tokens[first : at.at]
    everything = privileges[0].upper == "ALL" and not any(token.text == "(" for token in privileges)
    at.next()
    granted = list(_granted(at, ledger))
    objects = [(kind, name) for kind, name, _ in granted]
    if columns := _columns(Cursor(privileges)):
        objects = [("column", dotted(*path, column)) for _, _, path in granted for column in columns]
    at.seek("TO", "FROM")
    at.next()
    for grantee in _grantees(at):
        for kind, name in objects:
            if not revoke:
                ledger.note("grant", f"{kind} {name} to {grantee}", (kind, name))
            elif everything:
                ledger.drop("grant", f"{kind} {name} to {grantee}")


def read_alter(at: Cursor, ledger: Ledger) -> None:
    """Writes down what an ALTER adds, drops or renames; most of them change only how an object is."""
    if at.takes("DEFAULT", "PRIVILEGES"):
        ledger.miss("ALTER DEFAULT PRIVILEGES acts on objects and roles that the text does not name")
        return
    kind = _kind(at)
    if kind in _OF_A_TABLE:
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
    if kind in _RELATIONS and ledger.is_temporary(Cursor(at.tokens[start:]).path()):
        return
    name, path = _object(at, ledger, kind)
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


def _kind(at: Cursor) -> str:
    for words, kind in _KINDS.items():
        if at.takes(*words):
            return kind
    return ""


def _object(at: Cursor, ledger: Ledger, kind: str) -> tuple[str, Path]:
    """The object named here: as it is spelled, and the raw parts of its name."""
    path = at.path()
    if kind in _OF_THE_DATABASE:
        return quoted(path[0]), path
    if kind == "function":
        return _function(at, ledger, path)
    place = ledger.existing(path, kind, *(_RELATIONS if kind in _RELATIONS else ()))
    return dotted(*place), place


def _function(at: Cursor, ledger: Ledger, path: Path) -> tuple[str, Path]:
    """A function with its input types; where the text leaves them out, the one of that name that the script made."""
    if at.peek() == "(":
        types = input_types(at.group(), type_lookup(ledger))
        suffix = f"({','.join(types)})"
        for schema in ledger.search_path if len(path) == 1 else ():
            if ("function", dotted(schema, *path) + suffix) in ledger.left:
                return dotted(schema, *path) + suffix, (schema, *path)
        place = ledger.new(path)
        return dotted(*place) + suffix, place
    schemas = ledger.search_path if len(path) == 1 else path[:1]
    for made in ledger.left.values():
        if made.kind == "function" and made.path[0] in schemas and made.path[-1] == path[-1]:
            return made.name, made.path
    raise Unreadable(f"function {'.'.join(path)} is named without the types of its arguments")


def _granted(at: Cursor, ledger: Ledger) -> Iterator[tuple[str, str, Path]]:
    """What a GRANT is on: kind, name and the raw parts of the name."""
    if at.takes("ALL"):
        yield from _all_in_schema(at, ledger)
        return
    kind = _kind(at)
    if not kind and at.peek() in ("DATABASE", "LANGUAGE", "LARGE", "FOREIGN", "PARAMETER", "TABLESPACE"):
        ledger.miss(f"GRANT ON {at.peek()} is not followed here")
        at.seek("TO", "FROM")
        return
    while True:
        if kind in ("", "table"):
            place = ledger.existing(at.path(), "table", "view", "sequence")
            name = dotted(*place)
            yield next((each for each in ("view", "sequence") if (each, name) in ledger.left), "table"), name, place
        else:
            yield kind, *_object(at, ledger, kind)
        if not at.takes(","):
            return


def _all_in_schema(at: Cursor, ledger: Ledger) -> Iterator[tuple[str, str, Path]]:
    """ALL TABLES IN SCHEMA and its like: what the script made there; what else is there the text does not tell."""
    words = at.next().upper
    kinds = {"TABLES": ("table", "view"), "SEQUENCES": ("sequence",)}.get(words, ("function",))
    at.takes("IN", "SCHEMA")
    schemas = [path[0] for path in at.paths()]
    ledger.miss(f"ALL {words} IN SCHEMA reaches objects that the text does not name")
    for made in list(ledger.left.values()):
        if made.kind in kinds and made.path[0] in schemas:
            yield made.kind, made.name, made.path


def _columns(privileges: Cursor) -> tuple[str, ...]:
    """The columns that column privileges name, once each."""
    names: dict[str, None] = {}
    while privileges:
        if privileges.peek() == "(":
            names.update(dict.fromkeys(path[0] for path in privileges.group().paths()))
        else:
            privileges.next()
    return tuple(names)


def _grantees(at: Cursor) -> Iterator[str]:
    while at:
        at.takes("GROUP")
        yield "public" if at.peek() == "PUBLIC" else quoted(at.name())
        if not at.takes(","):
            return
