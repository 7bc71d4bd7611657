"""Two Schemas, part by part: what is missing, extra, different or not proven the same. Pure.

Both sides must be in the server's own spelling. An expression then has three answers: same (the texts are equal,
or the owner pinned the other text with `same_as`), different (only one side has one), or not proven the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import Field, dataclass, fields
from enum import Enum
from typing import Any

from pgcontract.model.schema import Grant, Origin, Part, Schema


class Answer(Enum):
    """How two sides differ. UNPROVEN: the spellings differ, which alone does not show that the meanings do."""

    MISSING = "missing"
    EXTRA = "extra"
    DIFFERENT = "different"
    UNPROVEN = "not proven the same"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One field of one part; `field` is empty where the whole part is missing or extra."""

    kind: str
    name: str
    field: str = ""
    answer: Answer
    expected: str = ""
    actual: str = ""
    origin: Origin | None = None
    part: Part | None = None


def compare(expected: Schema, actual: Schema, *, owner: str) -> tuple[Difference, ...]:
    """Every difference, sorted by kind and name; `owner` is the role that an undeclared owner stands for.

    A column of a view is compared only where the contract declares columns for that view, a comment only where it
    gives one, and the columns' positions as one order a table (`field` is "order"), so that one missing column
    is one difference. What default privileges gave is no difference for a grantee that is not declared.
    """
    found: list[Difference] = []
    for field in fields(Schema):
        theirs: dict[str, Part] = {part.name: part for part in getattr(actual, field.name)}
        ours: dict[str, Part] = {part.name: part for part in getattr(expected, field.name)}
        if field.name == "columns":
            theirs = _without_view_columns(theirs, expected)
        for name in sorted(ours.keys() | theirs.keys()):
            found.extend(_compare_part(ours.get(name), theirs.get(name), owner))
    found.extend(_column_order(expected, actual))
    return tuple(found)


def _without_view_columns(theirs: dict[str, Part], expected: Schema) -> dict[str, Part]:
    declared = {column.table for column in expected.columns}
    views = {view.name for view in expected.views} - declared
    return {name: part for name, part in theirs.items() if getattr(part, "table", None) not in views}


def _compare_part(ours: Part | None, theirs: Part | None, owner: str) -> Iterator[Difference]:
    if isinstance(ours, Grant) or isinstance(theirs, Grant):
        yield from _compare_grant(ours, theirs)
    elif ours is None and theirs is not None:
        yield Difference(kind=theirs.kind, name=theirs.name, answer=Answer.EXTRA, actual="present", part=theirs)
    elif theirs is None and ours is not None:
        yield Difference(
            kind=ours.kind,
            name=ours.name,
            answer=Answer.MISSING,
            expected="present",
            actual="absent",
            origin=ours.origin,
            part=ours,
        )
    elif ours is not None and theirs is not None and ours != theirs:
        for field in compared_fields(ours):
            if field.name != "position":
                yield from _compare_field(field, ours, theirs, owner)


def compared_fields(part: Part) -> tuple[Field[Any], ...]:
    """The fields of a part that two sides must agree on."""
    return tuple(field for field in fields(part) if field.compare and field.name != "name")


def _compare_field(field: Field[Any], ours: Part, theirs: Part, owner: str) -> Iterator[Difference]:
    expected, actual = getattr(ours, field.name), getattr(theirs, field.name)
    if field.name == "owner" and expected is None:
        expected = owner
    how = field.metadata.get("how")
    if expected == actual or (how == "text" and expected is None):
        return
    answer = Answer.DIFFERENT
    if how == "expression" and expected and actual:
        if tell(actual) in ours.same_as:
            return
        answer = Answer.UNPROVEN
    yield Difference(
        kind=ours.kind,
        name=ours.name,
        field=field.name,
        answer=answer,
        expected=tell(expected),
        actual=tell(actual),
        origin=ours.origin,
        part=theirs,
    )


def _compare_grant(ours: Part | None, theirs: Part | None) -> Iterator[Difference]:
    """A grantee's privileges: the whole declared set, or else just what default privileges give."""
    assert ours is None or isinstance(ours, Grant)
    assert theirs is None or isinstance(theirs, Grant)
    name = (ours or theirs).name  # type: ignore[union-attr]
    actual = theirs.privileges if theirs else ()
    implied = theirs.implied if theirs else ()
    expected = ours.privileges if ours else implied
    if expected != actual:
        yield Difference(
            kind="grant",
            name=name,
            field="privileges",
            answer=Answer.DIFFERENT if ours else Answer.EXTRA,
            expected=tell(expected),
            actual=tell(actual),
            origin=ours.origin if ours else None,
            part=theirs or ours,
        )


def _column_order(expected: Schema, actual: Schema) -> Iterator[Difference]:
    names = {column.name for column in expected.columns} & {column.name for column in actual.columns}
    ours, theirs = _ordered(expected, names), _ordered(actual, names)
    origins = {table.name: table.origin for table in expected.tables}
    for table in sorted(ours):
        if ours[table] != theirs.get(table):
            yield Difference(
                kind="table",
                name=table,
                field="order",
                answer=Answer.DIFFERENT,
                expected=tell(ours[table]),
                actual=tell(theirs.get(table, ())),
                origin=origins.get(table),
            )


def _ordered(schema: Schema, names: set[str]) -> dict[str, tuple[str, ...]]:
    order: dict[str, tuple[str, ...]] = {}
    for column in sorted(schema.columns, key=lambda each: (each.table, each.position)):
        if column.name in names:
            order[column.table] = (*order.get(column.table, ()), column.name.rpartition(".")[2])
    return order


def tell(value: object) -> str:
    """A field's value as a person reads it: `none` for nothing, `yes`/`no`, lists joined by commas."""
    match value:
        case None | ():
            return "none"
        case True:
            return "yes"
        case False:
            return "no"
        case tuple():
            return ", ".join(str(each) for each in value)
        case _:
            return str(value)
