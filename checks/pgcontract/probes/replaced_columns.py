"""Columns whose name another one of the same table has since the migration, and what the other one lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Final

from pgcontract.catalog.object_ids import read_object_ids
from pgcontract.model.foreign_key import read_foreign_key
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Column, Constraint, Index, Part, Schema, Statistics
from pgcontract.model.sql.lexer import TokenKind, tokens
from pgcontract.model.sql.plpgsql import read_body
from pgcontract.model.sql.written_values import read_writes
from pgcontract.probes.cached_facts import cached_promise_fact
from pgcontract.probes.context import Context
from pgcontract.probes.replaced_objects import Lack, ReplacedObject
from pgcontract.probes.script_words import names_in_code
from pgcontract.values import dataclass

_NAMES: Final = (TokenKind.WORD, TokenKind.QUOTED)


@cached_promise_fact
def replaced_columns(context: Context) -> tuple[ReplacedObject, ...]:
    """Those that were there before, of tables that stay; () where the script gives no column's name to another."""
    renames = _renames(context)
    if not renames:
        return ()
    renamed = {name for names, _ in renames for name in names}
    own = {table.name for table in context.before.tables if not table.partition_of and not table.inherits}
    columns = [each for each in context.before.columns if each.bare_name in renamed and each.table in own]
    if not columns:
        return ()
    with context.sandbox.rolled_back(context.before_state) as connection:
        before = _numbers(read_object_ids(connection))
    with context.sandbox.rolled_back(context.after_state) as connection:
        after = _numbers(read_object_ids(connection))
    names = {numbers: name for name, numbers in after.items()}
    found: list[ReplacedObject] = []
    for column in columns:
        oid, number = before[column.name]
        other = next(
            (name for (table, at), name in names.items() if table == oid and _is(name, column) and at != number), ""
        )
        if not other:
            continue
        new = next(each for each in context.after.columns if each.name == other)
        tables = [QualifiedName.parse(each.table).name for each in (column, new)]
        if not any(
            column.bare_name in names and (not text or any(names_in_code(text, table) for table in tables))
            for names, text in renames
        ):
            continue
        swap = _Swap(was=column, new=new, old=names.get((oid, number), ""))
        found.append(
            ReplacedObject(
                kind="column", name=column.name, old=swap.old, oid=oid, lacks=tuple(_Comparison(context, swap).lacks())
            )
        )
    return tuple(found)


def _renames(context: Context) -> list[tuple[set[str], str]]:
    """The names behind RENAME … TO of each statement, with its text where that names the table: a block may make it."""
    renames: list[tuple[set[str], str]] = []
    for statement in context.promise.script.statements:
        read = tokens(statement.text)
        if "RENAME" in {token.upper for token in read}:
            names = {name.name for word, name in pairwise(read) if word.upper == "TO" and name.kind in _NAMES}
            renames.append((names, statement.text if statement.words[:1] == ("ALTER",) else ""))
    return renames


def _numbers(ids: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, int]]:
    """The table's oid and the column's number, by the column's name."""
    return {
        label.removeprefix("column "): (numbers[0], numbers[1])
        for label, numbers in ids.items()
        if label.startswith("column ")
    }


def _is(name: str, column: Column) -> bool:
    return QualifiedName.parse(name).name == column.bare_name


@dataclass(frozen=True, kw_only=True)
class _Swap:
    """The column before, the one that has its name after, and what the first one is called since, "" where it is gone."""

    was: Column
    new: Column
    old: str

    @property
    def old_name(self) -> str:
        return QualifiedName.parse(self.old).name if self.old else ""


class _Comparison:
    """The old column and the new one, in the catalogs before and after."""

    def __init__(self, context: Context, swap: _Swap) -> None:
        self._before, self._after, self._swap = context.before, context.after, swap
        self._drops_in = [each.text for each in context.promise.script.statements if "DROP" in each.text.upper()]

    def lacks(self) -> Iterator[Lack]:
        yield from self._own()
        yield from self._referring_keys()
        yield from self._grants()
        yield from self._parts()
        if self._swap.old:
            yield from self._left_behind()

    def _own(self) -> Iterator[Lack]:
        was, new = self._swap.was, self._swap.new
        alters = f"ALTER TABLE {new.table} ALTER COLUMN {new.quoted_name}"
        numbered = bool(was.identity) or "nextval(" in (was.default or "")
        if (was.default or was.identity) and not (new.default or new.identity or new.generated):
            what = "identity" if was.identity else "default"
            how = f"SET DEFAULT {was.default}"
            if was.identity:
                how = f"ADD GENERATED {was.identity.upper()} AS IDENTITY"
            if not self._drops_of_column(f"DROP {what.upper()}") and not self._is_filled():
                serious = numbered or not new.null
                yield Lack(what=f"the {what} of {new.quoted_name}", sql=f"{alters} {how};", serious=serious)
        if not was.null and new.null and not self._drops_of_column("DROP NOT NULL"):
            yield Lack(what=f"NOT NULL of {new.quoted_name}", sql=f"{alters} SET NOT NULL;")

    def _drops_of_column(self, words: str) -> bool:
        name = self._swap.was.bare_name
        return any(words in " ".join(text.upper().split()) and names_in_code(text, name) for text in self._drops_in)

    def _is_filled(self) -> bool:
        """Whether a trigger gives the new one its value in each row that is inserted."""
        new = self._swap.new
        bodies = {each.name: each.body or "" for each in self._after.functions if each.language == "plpgsql"}
        functions = [
            each.function
            for each in self._after.triggers
            if (each.table, each.timing, each.level, each.when) == (new.table, "before", "row", None)
            and "insert" in each.events
            and each.enabled in ("origin", "always")
        ]
        bodies_read = [body for name in functions if (body := read_body(bodies.get(name, "")))]
        texts = [statement.text for body in bodies_read for statement in body.statements]
        writes = [write for text in texts for write in read_writes(text)]
        return any(write.kind == "NEW" and new.bare_name in write.values for write in writes)

    def _referring_keys(self) -> Iterator[Lack]:
        """Foreign keys of whatever table that went with the old one: those that a CASCADE took are told there."""
        was, new = self._swap.was, self._swap.new
        after = [
            (each.table, key.columns, key.parent, key.parent_columns)
            for each in self._after.constraints
            if (key := read_foreign_key(each.definition)) is not None
        ]
        names = {each.name: each for each in self._after.constraints if each.form == "foreign key"}
        for each in self._before.constraints:
            key = read_foreign_key(each.definition)
            if key is None or key.parent != was.table or was.quoted_name not in key.parent_columns:
                continue
            if (each.table, key.columns, new.table, key.parent_columns) not in after and each.name in names:
                bare, table = each.quoted_name, names[each.name].table
                again = f"ADD CONSTRAINT {bare} {(each.definition or '').replace(was.table, new.table)}"
                yield Lack(
                    what=f"the foreign key {each.name}, which is about {self._swap.old_name} now",
                    sql=f"ALTER TABLE {table} DROP CONSTRAINT {bare}, {again};",
                    serious=True,
                )

    def _grants(self) -> Iterator[Lack]:
        was, new = self._swap.was, self._swap.new
        after = {grant.grantee: grant.privileges for grant in self._after.grants if grant.object == ("column", new.name)}
        for grant in self._before.grants:
            missing = [word for word in grant.privileges if word not in after.get(grant.grantee, ())]
            if grant.object == ("column", was.name) and missing:
                words = ", ".join(word.upper() for word in missing)
                yield Lack(
                    what=f"{words} for {grant.grantee}",
                    sql=f"GRANT {', '.join(f'{word.upper()} ({new.quoted_name})' for word in missing)} ON {new.table} "
                    f"TO {grant.grantee};",
                    serious=True,
                )

    def _parts(self) -> Iterator[Lack]:
        """Constraints, indexes and statistics that there are none like on the new one."""
        was, new = self._swap.was, self._swap.new
        after = [_shape(part, self._after, new.table) for part in _parts_of(self._after, new.table)]
        for part in _parts_of(self._before, was.table):
            shape = _shape(part, self._before, was.table)
            if was.bare_name not in shape[1] or shape in after or self._is_in_type(part, shape[1]):
                continue
            if not self._drops(part.bare_name):
                said = part.form if isinstance(part, Constraint) else part.kind
                definition = part.definition if isinstance(part, Constraint) else None
                written = f"ALTER TABLE {new.table} ADD {definition};" if definition else ""
                yield Lack(what=f"{said} {part.quoted_name}", sql=written)

    def _is_in_type(self, part: Part, columns: frozenset[str]) -> bool:
        """Whether it is a CHECK of the values of a column whose type says now which there are."""
        new = self._swap.new
        lists = new.type == "boolean" or any(each.is_type(new.type) for each in self._after.types)
        return lists and isinstance(part, Constraint) and part.form == "check" and len(columns) == 1

    def _left_behind(self) -> Iterator[Lack]:
        """What read the column by its name, and reads the old one since."""
        was, new, old = self._swap.was, self._swap.new, self._swap.old_name

        def follows(before: str | None, after: str | None) -> bool:
            one, other = before or "", after or ""
            return names_in_code(one, was.bare_name) and not names_in_code(one, old) and names_in_code(other, old)

        policies = {each.name: each for each in self._after.policies if each.table == new.table}
        for policy in self._before.policies:
            now = policies.get(f"{new.table}.{policy.quoted_name}") if policy.table == was.table else None
            if now is not None and (follows(policy.using, now.using) or follows(policy.check, now.check)):
                yield Lack(what=f"the policy {policy.quoted_name}, which asks for {old} now", serious=True)
        views = {each.name: each for each in self._after.views}
        bare = QualifiedName.parse(was.table).name
        for view in self._before.views:
            shown = views.get(view.name)
            if shown and names_in_code(view.definition, bare) and follows(view.definition, shown.definition):
                yield Lack(what=f"the view {view.name}, which shows {old} now")
        triggers = {each.quoted_name: each for each in self._after.triggers if each.table == new.table}
        for trigger in self._before.triggers:
            fired = triggers.get(trigger.quoted_name) if trigger.table == was.table else None
            if fired and follows(" ".join(trigger.columns), " ".join(fired.columns)):
                yield Lack(what=f"the trigger {trigger.quoted_name}, which waits for {old} now")
        generated = {each.quoted_name: each.generated for each in self._after.columns_of(new.table)}
        for column in self._before.columns_of(was.table):
            if follows(column.generated, generated.get(column.quoted_name)):
                yield Lack(what=f"the generated column {column.quoted_name}, which reads {old} now")

    def _drops(self, bare: str) -> bool:
        """Whether a statement of the script takes it away by its name."""
        return any(names_in_code(text, bare) for text in self._drops_in)


def _parts_of(schema: Schema, table: str) -> list[Part]:
    """What may be about some of its columns; an index of a constraint is told by that one, NOT NULL by its column."""
    constraints = [
        each for each in schema.constraints if each.table == table and each.form not in ("not null", "trigger")
    ]
    indexes = [each for each in schema.indexes if each.table == table and each.constraint is None]
    return [*constraints, *indexes, *(each for each in schema.statistics if each.table == table)]


def _shape(part: Part, schema: Schema, table: str) -> tuple[tuple[object, ...], frozenset[str]]:
    """What a part is, without its name and types, and the columns that it is about."""
    names = {column.bare_name for column in schema.columns_of(table)}
    match part:
        case Constraint():
            key = read_foreign_key(part.definition)
            text = ", ".join(key.columns) if key else part.definition or ""
            kind: tuple[object, ...] = (part.form, key and (key.parent, key.parent_columns))
            if part.form == "unique":
                kind = ("index", True, "btree")
        case Index():
            text = " ".join((*part.keys, *part.include, part.predicate or ""))
            kind = ("index", part.unique, part.method)
        case Statistics():
            text, kind = part.definition, ("statistics",)
        case _:
            text, kind = "", ()
    read = {token.name for token in tokens(text) if token.kind in _NAMES}
    return kind, frozenset(name for name in names if name in read)
