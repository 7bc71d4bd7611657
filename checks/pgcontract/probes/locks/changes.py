"""What a statement did to tables that were there, out of what they were before it and are after it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from pgcontract.catalog.live_tables import LiveConstraint, LiveIndex, LiveTable, Relation
from pgcontract.model.identifiers import unquote_identifier
from pgcontract.model.lock_mode import LockMode
from pgcontract.model.sql import Statement
from pgcontract.patterns import lazy_pattern
from pgcontract.probes.locks.work import (
    Change,
    ColumnAdded,
    ColumnRequired,
    ColumnRetyped,
    ConstraintAdded,
    ConstraintValidated,
    IndexBuilt,
    PartitionJoined,
    ViewFilled,
    Work,
    WorkKind,
)

# Statements by which rows are read and written; the others change definitions.
_QUERIES: Final = frozenset(
    {
        "SELECT",
        "INSERT",
        "UPDATE",
        "DELETE",
        "MERGE",
        "WITH",
        "VALUES",
        "TABLE",
        "COPY",
        "DO",
        "CALL",
        "EXECUTE",
        "EXPLAIN",
    }
)
_MADE_OF_QUERY: Final = re.compile(r"\bAS\s*(?:\(\s*)*(?:SELECT|WITH|TABLE|VALUES|EXECUTE)\b", re.IGNORECASE)
_LOOP: Final = lazy_pattern(r"\bLOOP\b", re.IGNORECASE)
_CHANGES_ROWS: Final = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE"})
_REWRITES_BY_ITSELF: Final = frozenset({"CLUSTER", "VACUUM", "REFRESH"})
_CHECKS_FOREIGN_KEY: Final = 'validating foreign key constraint "'
_REWRITES: Final = 'rewriting table "'
_NOT_NULL: Final = "n"
_CHECK_KINDS: Final = frozenset({"c", _NOT_NULL})
_NOT_ENFORCED: Final = "NOT ENFORCED"
_EMPTIES: Final = "TRUNCATE"


def reads_rows(statement: Statement) -> bool:
    """Whether it reads and writes rows by a query, be it one that a table is made of."""
    match statement.words:
        case ("CREATE", "TABLE" | "MATERIALIZED" | "UNLOGGED" | "TEMP" | "TEMPORARY" | "LOCAL" | "GLOBAL", *_):
            return _MADE_OF_QUERY.search(statement.text) is not None
        case ("REFRESH", *_):
            return True
        case (first, *_):
            return first in _QUERIES
        case _:
            return False


def find_work(
    statement: Statement,
    before: Mapping[int, LiveTable],
    after: Mapping[int, LiveTable],
    held: Mapping[int, LockMode],
    relations: Mapping[int, Relation],
    messages: Sequence[str],
    rows: Mapping[int, int],
    first: Mapping[int, LiveTable],
    joined: PartitionJoined | None = None,
) -> Iterator[Work]:
    """The work of one statement on the tables of `before`, a partitioned table's parts as one; all is by oid.

    `held` are the locks that are held after it, `messages` what the server told at the level debug1, `rows` how many
    there were in a table, where that is known, `first` the tables before the script. `joined` is the partition that it
    made or attached.
    """
    by_table = {
        oid: list(_work_on(statement, before[oid], table, relations, messages, rows.get(oid), joined, first.get(oid)))
        for oid, table in after.items()
        if oid in before and relations[oid].kind not in "pS"
    }
    pointed_at = {
        constraint.references
        for table in after.values()
        for constraint in table.constraints.values()
        if constraint.kind == "f"
    }
    for oid, works in by_table.items():
        heirs = [child for child in by_table if relations[child].parent == oid]
        for child in heirs:  # what is done on a child table, as on its parent, goes by the parent's name
            by_table[child] = [work for work in by_table[child] if work.kind not in {own.kind for own in works}]
        by_table[oid] = [_in_full(work, pointed_at=oid in pointed_at, inherited=bool(heirs)) for work in works]
    found = [(relations[oid], work) for oid, works in by_table.items() for work in works]
    tables: dict[str, list[tuple[str, Work]]] = {}
    for relation, work in found:
        top = relations.get(relation.root, relation)
        if top.oid == relation.oid or top.oid not in held:
            yield replace(work, kind_of_table=relation.kind, lock=held[relation.oid])
        else:
            lock = max(held[relation.oid], held[top.oid], key=lambda mode: mode.rank)
            tables.setdefault(top.name, []).append((relation.name, replace(work, lock=lock)))
    for oid in held:
        relation = relations[oid]
        if relation.name in tables:
            known = oid in before and oid in after
            changes = list(_changes(statement, before[oid], after[oid], relations, first.get(oid))) if known else []
            changes = [_whole(change, oid in pointed_at) for change in changes if not _is_part(change)]
            yield from _as_one(relation.name, tables[relation.name], changes)


def _in_full(work: Work, *, pointed_at: bool, inherited: bool) -> Work:
    if not isinstance(work.change, ColumnRetyped):
        return work
    return replace(work, change=replace(work.change, pointed_at=pointed_at, inherited=inherited))


def _whole(change: Change, pointed_at: bool) -> Change:
    return replace(change, pointed_at=pointed_at) if isinstance(change, ColumnRetyped) else change


def _is_part(change: Change) -> bool:
    """Whether it is what a foreign key to a partitioned table makes for each of its partitions."""
    return isinstance(change, ConstraintAdded | ConstraintValidated) and not change.constraint.own


def _as_one(table: str, found: Iterable[tuple[str, Work]], changes: Iterable[Change]) -> Iterator[Work]:
    """What was done on partitions, as the work on the partitioned table that asked for it by its own changes."""
    kinds: dict[WorkKind, list[tuple[str, Work]]] = {}
    for name, work in found:
        kinds.setdefault(work.kind, []).append((name, work))
    for kind, works in kinds.items():
        names = tuple(dict.fromkeys(name for name, _ in works))
        lock = max((work.lock for _, work in works), key=lambda mode: mode.rank)
        one = Work(kind=kind, table=table, lock=lock, kind_of_table="p", partitions=names)
        own: list[Change] = [change for change in changes if _fits(kind, change)]
        own += [work.change for _, work in works if isinstance(work.change, PartitionJoined)]
        for change in own:
            parts = tuple((name, work.change.index) for name, work in works if isinstance(work.change, IndexBuilt))
            yield replace(one, change=replace(change, parts=parts) if isinstance(change, IndexBuilt) else change)
        if not own:
            yield one


def _fits(kind: WorkKind, change: Change) -> bool:
    match kind:
        case WorkKind.BUILD:
            return isinstance(change, IndexBuilt)
        case WorkKind.REWRITE:
            return isinstance(change, ColumnAdded | ColumnRetyped)
        case WorkKind.SCAN:
            return isinstance(change, ColumnRequired | ConstraintAdded | ConstraintValidated) or (
                isinstance(change, ColumnAdded) and _is_read_for(change)
            )
        case WorkKind.QUERY:
            return False


def _work_on(
    statement: Statement,
    before: LiveTable,
    after: LiveTable,
    relations: Mapping[int, Relation],
    messages: Sequence[str],
    rows: int | None,
    joined: PartitionJoined | None,
    first: LiveTable | None,
) -> Iterator[Work]:
    if statement.words[:1] == (_EMPTIES,):
        return
    changes = list(_changes(statement, before, after, relations, first))

    def work(kind: WorkKind, change: Change | None = None) -> Work:
        return Work(kind=kind, table=after.name, lock=LockMode.ACCESS_SHARE, change=change)

    # What a materialised view holds is only ever filled anew.
    if relations[after.oid].kind == "m" and before.file != after.file:
        has_key = any(map(_tells_apart, after.indexes.values()))
        filled = ViewFilled(has_key=has_key, was_filled=before.is_filled, is_filled=after.is_filled)
        yield work(WorkKind.REWRITE, filled)
        return
    if _rewritten(statement, before, after, messages):
        causes = [change for change in changes if isinstance(change, ColumnAdded | ColumnRetyped)]
        # Of several columns that are added in one statement those with a value to store are why.
        causes = [change for change in causes if not _stores_nothing(change)] or causes[:1]
        yield from (work(WorkKind.REWRITE, cause) for cause in causes)
        if not causes:
            yield work(WorkKind.REWRITE)
        return
    built = [change for change in changes if isinstance(change, IndexBuilt)]
    for index in built:
        yield work(WorkKind.BUILD, index)
    checked = [change for change in changes if _is_checked(change, messages)]
    for checked_key in checked:
        yield work(WorkKind.SCAN, checked_key)
    scans = after.scans - before.scans - len(built)
    if scans <= 0:
        if _writes_all_by_turns(statement, before, after, rows):
            yield work(WorkKind.QUERY)
        return
    has_key = _adds_primary_key(built)
    reasons = [
        change
        for change in changes
        if (isinstance(change, ColumnRequired) and not has_key)
        or (isinstance(change, ColumnAdded) and _is_read_for(change) and not has_key)
        or (
            isinstance(change, ConstraintAdded | ConstraintValidated)
            and change.constraint.kind in _CHECK_KINDS
            and change.constraint.validated
        )
    ]
    for change in reasons:
        yield work(WorkKind.SCAN, change)
    if not reads_rows(statement):
        if not (reasons or checked or built):
            yield work(WorkKind.SCAN, joined)
    # A scan that stops at the first row that it finds is short on any table; without rows nobody can tell.
    elif scans > len(reasons) and _reads_all(statement, before, after, rows):
        yield work(WorkKind.QUERY)


def _reads_all(statement: Statement, before: LiveTable, after: LiveTable, rows: int | None) -> bool:
    if rows is None:
        return True
    return rows <= after.read - before.read and (rows > 0 or statement.words[0] in _CHANGES_ROWS)


def _writes_all_by_turns(statement: Statement, before: LiveTable, after: LiveTable, rows: int | None) -> bool:
    """Whether a loop, or a function, has written every row, each turn finding its own by an index."""
    written = after.updated + after.deleted - before.updated - before.deleted
    loops = statement.words[:1] in (("CALL",), ("SELECT",)) or (
        statement.words[:1] == ("DO",) and _LOOP.search(statement.text) is not None
    )
    return loops and rows is not None and 0 < rows <= written


def _tells_apart(index: LiveIndex) -> bool:
    return index.unique and all(index.columns) and " WHERE " not in index.definition


def _is_read_for(change: ColumnAdded) -> bool:
    """Whether a column that is added without a value for each row is NOT NULL."""
    column = change.column
    return column.not_null and not column.generated.strip("v") and (not column.default or "v" in column.generated)


def _changes(
    statement: Statement,
    before: LiveTable,
    after: LiveTable,
    relations: Mapping[int, Relation],
    first: LiveTable | None,
) -> Iterator[Change]:
    first = first or before
    retyped = False
    for number, column in after.columns.items():
        old = before.columns.get(number)
        if old is None:
            yield ColumnAdded(column=column)
        elif (old.type, old.collation) != (column.type, column.collation):
            retyped = True
            yield ColumnRetyped(
                before=old,
                after=column,
                indexes=tuple((oid, index) for oid, index in after.indexes.items() if number in index.columns),
                constraints=tuple(each for each in after.constraints.values() if number in (each.columns or ())),
            )
        if old is not None and column.not_null and not old.not_null:
            yield ColumnRequired(column=column, new=number not in first.columns)
    added = {number: column for number, column in after.columns.items() if number not in first.columns}
    was_called = {each.name: each.definition for each in first.constraints.values()}
    own = {constraint.index: constraint for constraint in after.constraints.values() if constraint.index}
    for oid, constraint in after.constraints.items():
        was = before.constraints.get(oid)
        if was is None and constraint.kind != _NOT_NULL:  # the column's own change tells it on every major
            pointed_at = relations.get(constraint.references)
            yield ConstraintAdded(
                constraint=constraint,
                references=pointed_at.name if pointed_at else "",
                new=tuple(added[number] for number in constraint.columns or () if number in added),
                replaces=constraint.name in was_called,
                again=was_called.get(constraint.name) == constraint.definition,
            )
        elif was is not None and constraint.validated and not was.validated:
            yield ConstraintValidated(constraint=constraint, enforced=was.definition.endswith(_NOT_ENFORCED))
    files = {index.file for index in before.indexes.values()}
    names = {index.name for index in before.indexes.values()}
    for oid, index in after.indexes.items():
        old_index = before.indexes.get(oid)
        # A partitioned table's index has no file; one that is made again for a column may take over the old one's.
        is_new = old_index is None and (not index.file or index.file not in files)
        if is_new or (old_index is not None and old_index.file != index.file and before.file == after.file):
            owner = _index_owner(own, oid)
            # ALTER TABLE makes the indexes of a column again; what a script itself drops and makes again is new.
            again = old_index is not None or (retyped and index.name in names)
            required = tuple(
                column
                for number, column in after.columns.items()
                if owner is not None
                and owner.kind == "p"
                and column.not_null
                and number in before.columns
                and not before.columns[number].not_null
            )
            new = tuple(added[number] for number in index.columns if number in added)
            replaces = "" if again else _replaced(index, oid, owner, first)
            yield IndexBuilt(index=index, constraint=owner, required=required, new=new, rebuilt=again, replaces=replaces)


def _replaced(index: LiveIndex, oid: int, owner: LiveConstraint | None, first: LiveTable) -> str:
    """What of the table stood where an index is built: the constraint of that name, or the other primary key."""
    for constraint in first.constraints.values() if owner is not None else ():
        is_same = owner is not None and (constraint.name == owner.name or constraint.kind == owner.kind == "p")
        if is_same and constraint.index != oid:
            return constraint.name
    same = [each for number, each in first.indexes.items() if number != oid and each.name == index.name]
    return same[0].name if same and owner is None else ""


def _index_owner(own: Mapping[int, LiveConstraint], index: int) -> LiveConstraint | None:
    constraint = own.get(index)
    return constraint if constraint is not None and constraint.kind in "pux" else None


def _rewritten(statement: Statement, before: LiveTable, after: LiveTable, messages: Sequence[str]) -> bool:
    if before.file == after.file or not after.file:
        return False
    if any(message.startswith(_REWRITES) for message in messages):
        return True
    first = statement.words[:1]
    return first == ("ALTER",) or (bool(first) and first[0] in _REWRITES_BY_ITSELF)


def _is_checked(change: Change, messages: Sequence[str]) -> bool:
    """Whether a foreign key's rows were looked at, as the server tells."""
    if not isinstance(change, ConstraintAdded | ConstraintValidated) or change.constraint.kind != "f":
        return False
    bare = unquote_identifier(change.constraint.name)
    return f'{_CHECKS_FOREIGN_KEY}{bare}"' in messages


def _stores_nothing(change: Change) -> bool:
    return isinstance(change, ColumnAdded) and not change.column.default and not change.column.generated


def _adds_primary_key(built: Iterable[IndexBuilt]) -> bool:
    """It makes its columns NOT NULL too."""
    return any(change.constraint is not None and change.constraint.kind == "p" for change in built)
