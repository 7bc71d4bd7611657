"""Tables, views and functions whose name another one has since the migration, and what the other one lacks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from typing import Any, Final

from pgcontract.catalog.dependents import Dependent, read_dependents
from pgcontract.catalog.object_ids import read_object_ids
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Constraint, Grant, Index, Part, Policy
from pgcontract.probes.cached_facts import cached_promise_fact
from pgcontract.probes.context import Context
from pgcontract.probes.script_words import names_in_code
from pgcontract.values import dataclass

_RELATIONS: Final = ("table", "view")
_FREES_NAMES: Final = ("RENAME", "DROP", "SCHEMA")
# What LIKE makes under another name is the same part.
_NAMES_ONLY: Final = {"name": "", "comment": None, "constraint": None, "clustered": False, "replica_identity": False}


@dataclass(frozen=True, kw_only=True)
class Lack:
    """Something of the old object that the new one is without. `what` says it in words, `sql` brings it over where that
    can be written, `serious` where who uses the object is refused, sees too much, or reads and refers to the old rows."""

    what: str
    sql: str = ""
    serious: bool = False


@dataclass(frozen=True, kw_only=True)
class ReplacedObject:
    """`name` is what both were called; `old` what the first one is called since, empty where it is gone. `oid` is that of
    the old one."""

    kind: str
    name: str
    old: str
    oid: int
    lacks: tuple[Lack, ...]


@cached_promise_fact
def replaced_objects(context: Context) -> tuple[ReplacedObject, ...]:
    """Those that were there before; () where the script frees no name."""
    script = context.promise.script
    if not any(names_in_code(script.text, word) for word in _FREES_NAMES):
        return ()
    with context.sandbox.rolled_back(context.before_state) as connection:
        before = _relations(read_object_ids(connection))
        with context.sandbox.rolled_back(context.after_state) as other:
            after = _relations(read_object_ids(other))
            taken = {name: oid for name, (_, oid) in before.items() if name in after and after[name][1] != oid}
            if not taken:
                return ()
            relations = [oid for name, oid in taken.items() if before[name][0] in _RELATIONS]
            had = read_dependents(connection, relations)
            has = read_dependents(other, [*relations, *(after[name][1] for name in taken)])
    found = _Comparison(context, had, has)
    names = {oid: name for name, (_, oid) in after.items()}
    return tuple(
        ReplacedObject(
            kind=after[name][0],
            name=name,
            old=names.get(oid, ""),
            oid=oid,
            lacks=tuple(found.lacks(before[name][0], after[name], name, names.get(oid, ""), oid)),
        )
        for name, oid in sorted(taken.items())
    )


def _relations(ids: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[str, int]]:
    """Kind and oid by name: tables and views share theirs."""
    found: dict[str, tuple[str, int]] = {}
    for label, (oid, *_) in ids.items():
        kind, _, name = label.partition(" ")
        if kind in (*_RELATIONS, "function"):
            found[name] = kind, oid
    return found


class _Comparison:
    """The old object and the new one of the same name, in the catalogs before and after."""

    def __init__(self, context: Context, had: Iterable[Dependent], has: Iterable[Dependent]) -> None:
        self._before, self._after = context.before, context.after
        self._drops_in = [each.text for each in context.promise.script.statements if "DROP" in each.text.upper()]
        self._had, self._has = tuple(had), tuple(has)

    def lacks(self, was: str, new: tuple[str, int], name: str, old: str, oid: int) -> Iterator[Lack]:
        kind, new_oid = new
        yield from self._grants(was, kind, name)
        if was != kind or kind == "function":
            return  # a view over the table that was renamed is meant to be another thing
        yield from self._parts(name)
        if kind == "table":
            yield from self._columns(name)
            yield from self._security(name)
        yield from self._dependents(name, old, oid, new_oid)

    def _grants(self, was: str, kind: str, name: str) -> Iterator[Lack]:
        after = {grant.grantee: grant for grant in self._after.grants if grant.object == (kind, name)}
        before = [grant for grant in self._before.grants if grant.object == (was, name)]
        on = f"{kind.upper()} {name}" if kind == "function" else name
        for grant in before:
            now = after.get(grant.grantee)
            missing = [word for word in grant.privileges if now is None or word not in now.privileges]
            if missing:
                words = ", ".join(word.upper() for word in missing)
                yield Lack(
                    what=f"{words} for {grant.grantee}", sql=f"GRANT {words} ON {on} TO {grant.grantee};", serious=True
                )
        known = {grant.grantee: grant for grant in before}
        for grantee, grant in after.items():
            opened = [
                word for word in grant.implied if word in grant.privileges and _was_revoked(known.get(grantee), word)
            ]
            if opened:
                words = ", ".join(word.upper() for word in opened)
                yield Lack(
                    what=f"the REVOKE of {words} from {grantee}",
                    sql=f"REVOKE {words} ON {on} FROM {grantee};",
                    serious=True,
                )

    def _parts(self, name: str) -> Iterator[Lack]:
        """Constraints, indexes, triggers, rules and policies of one that the other has under no name."""
        for kind in ("constraints", "indexes", "triggers", "rules", "policies"):
            after = [_nameless(part) for part in getattr(self._after, kind) if part.table == name]
            for part in getattr(self._before, kind):
                if part.table != name or _belongs_to_another(part) or _nameless(part) in after:
                    continue
                if _said(part) == "primary key" and any(_said(each) == "primary key" for each in after):
                    continue  # another one is meant, as where the table is partitioned now
                if not self._drops(part.bare_name):
                    yield Lack(
                        what=f"{_said(part)} {part.quoted_name}", sql=_written(part), serious=isinstance(part, Policy)
                    )

    def _columns(self, name: str) -> Iterator[Lack]:
        after = {column.bare_name: column for column in self._after.columns if column.table == name}
        for column in self._before.columns:
            new = after.get(column.bare_name) if column.table == name else None
            if new is None:
                continue
            alters = f"ALTER TABLE {name} ALTER COLUMN {column.quoted_name}"
            if (column.default or column.identity) and not (new.default or new.identity or new.generated):
                how = (
                    f"SET DEFAULT {column.default}"
                    if column.default
                    else f"ADD GENERATED {(column.identity or '').upper()} AS IDENTITY"
                )
                what = "identity" if column.identity else "default"
                yield Lack(what=f"the {what} of {column.quoted_name}", sql=f"{alters} {how};", serious=not new.null)
            if not column.null and new.null:
                yield Lack(what=f"NOT NULL of {column.quoted_name}", sql=f"{alters} SET NOT NULL;")

    def _security(self, name: str) -> Iterator[Lack]:
        before = next((table for table in self._before.tables if table.name == name), None)
        after = next((table for table in self._after.tables if table.name == name), None)
        if before is None or after is None:
            return
        alters = f"ALTER TABLE {name}"
        if before.row_security and not after.row_security:
            yield Lack(what="row level security", sql=f"{alters} ENABLE ROW LEVEL SECURITY;", serious=True)
        if before.force_row_security and not after.force_row_security:
            yield Lack(what="row level security for its owner", sql=f"{alters} FORCE ROW LEVEL SECURITY;")
        if before.partition_of and before.partition_of != after.partition_of:
            attaches = f"ALTER TABLE {before.partition_of} ATTACH PARTITION {name} {before.partition_bound};"
            yield Lack(what=f"its place as a partition of {before.partition_of}", sql=attaches, serious=True)
        if before.options and not after.options:
            yield Lack(what=f"WITH ({', '.join(before.options)})", sql=f"{alters} SET ({', '.join(before.options)});")
        if before.persistence != after.persistence and after.persistence == "unlogged":
            yield Lack(what="its log: it is UNLOGGED", sql=f"{alters} SET LOGGED;", serious=True)

    def _dependents(self, name: str, old: str, oid: int, new_oid: int) -> Iterator[Lack]:
        """What referred to the old one, and refers to it still or is gone with it."""
        left = {(each.kind, each.oid or each.name) for each in self._has if each.relation == oid}
        moved = {(each.kind, _of_table(each)) for each in self._has if each.relation == new_oid}
        # A publication that is still there may be without it.
        there = {(part.kind, part.name) for part in self._after.parts() if part.kind != "publication"}
        for each in (each for each in self._had if each.relation == oid):
            serious = each.kind not in ("function", "column", "publication")
            if (each.kind, each.oid or each.name) in left:
                yield Lack(
                    what=f"the {each.kind} {each.name}, which is about {old} now",
                    sql=self._pointed(each, name),
                    serious=serious,
                )
            elif old or (each.kind, _of_table(each)) in moved or (each.kind, each.name) in there:
                continue
            elif each.kind != "default" and not self._drops(QualifiedName.parse(each.name.partition("(")[0]).name):
                yield Lack(
                    what=f"the {each.kind} {each.name}, which is gone with the old one",
                    sql=self._pointed(each, name),
                    serious=serious,
                )
        if old:
            for each in self._has:
                if each.relation == oid and each.kind == "default" and each.name.startswith(f"{name}."):
                    yield Lack(what=f"the sequence behind the default of {each.name}: it goes when {old} is dropped")

    def _pointed(self, each: Dependent, name: str) -> str:
        """What makes it refer to the new one."""
        match each.kind:
            case "foreign key":
                parsed = QualifiedName.parse(each.name)
                key = next((one for one in self._before.constraints if one.name == each.name), None)
                drop = f"DROP CONSTRAINT IF EXISTS {parsed.quoted_name}"
                definition = key.definition if key is not None else None
                return f"ALTER TABLE {_of_table(each)} {drop}, ADD CONSTRAINT {parsed.quoted_name} {definition};"
            case "view":
                view = next((one for one in self._before.views if one.name == each.name), None)
                if view is None:
                    return ""
                again = f"DROP MATERIALIZED VIEW IF EXISTS {view.name}; CREATE MATERIALIZED VIEW"
                makes = again if view.materialized else "CREATE OR REPLACE VIEW"
                return f"{makes} {view.name} AS {view.definition.strip().removesuffix(';')};"
            case "publication":
                return f"ALTER PUBLICATION {each.name} ADD TABLE {name};"
            case "partition":
                table = next((one for one in self._before.tables if one.name == each.name), None)
                return f"ALTER TABLE {name} ATTACH PARTITION {each.name} {table.partition_bound if table else '...'};"
            case _:
                return ""

    def _drops(self, bare: str) -> bool:
        """Whether a statement of the script takes it away by its name."""
        return any(names_in_code(text, bare) for text in self._drops_in)


def _was_revoked(before: Grant | None, word: str) -> bool:
    """Whether what is given by itself had been taken away: the old one then had a list of its own without it."""
    return before is None or word not in before.privileges


def _nameless(part: Part) -> Part:
    """A constraint or an index without what it is called; the others are known by their names."""
    known = {each.name for each in fields(part)}
    changes: dict[str, Any] = {name: value for name, value in _NAMES_ONLY.items() if name in known}
    if not isinstance(part, Constraint | Index):
        changes.pop("name")
    return replace(part, **changes)


def _belongs_to_another(part: Part) -> bool:
    """Whether the constraint tells it as well, or the column."""
    return (isinstance(part, Index) and part.constraint is not None) or (
        isinstance(part, Constraint) and part.form == "not null"
    )


def _said(part: Part) -> str:
    return part.form if isinstance(part, Constraint) else part.kind


def _written(part: Part) -> str:
    match part:
        case Constraint():
            return f"ALTER TABLE {part.table} ADD {part.definition};"
        case _:
            return ""


def _of_table(each: Dependent) -> str:
    """What a foreign key is known by whatever it is called: the table that has it."""
    return str(QualifiedName.parse(each.name).parent) if each.kind == "foreign key" else each.name
