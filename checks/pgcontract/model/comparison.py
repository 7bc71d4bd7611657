"""Two Schemas, part by part: what is missing, extra, different or not proven the same. Pure.

Both sides must be in the server's own spelling. An expression then has three answers: same (the texts are equal,
or the owner pinned the other text with `same_as`), different (only one side has one), or not proven the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import Field, fields
from enum import Enum
from typing import Any

from pgcontract.model.schema import Grant, Origin, Part, Schema
from pgcontract.values import dataclass


class ComparisonResult(Enum):
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
    result: ComparisonResult
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
    differences: list[Difference] = []
    for field in fields(Schema):
        actual_parts: dict[str, Part] = {part.name: part for part in getattr(actual, field.name)}
        expected_parts: dict[str, Part] = {part.name: part for part in getattr(expected, field.name)}
        if field.name == "columns":
            actual_parts = _without_view_columns(actual_parts, expected)
        for name in sorted(expected_parts.keys() | actual_parts.keys()):
            differences.extend(_compare_part(expected_parts.get(name), actual_parts.get(name), owner))
    differences.extend(_column_order(expected, actual))
    return tuple(differences)


def _without_view_columns(columns: dict[str, Part], expected: Schema) -> dict[str, Part]:
    declared = {column.table for column in expected.columns}
    views = {view.name for view in expected.views} - declared
    return {name: part for name, part in columns.items() if getattr(part, "table", None) not in views}


def _compare_part(expected: Part | None, actual: Part | None, owner: str) -> Iterator[Difference]:
    if isinstance(expected, Grant) or isinstance(actual, Grant):
        yield from _compare_grant(expected, actual)
    elif expected is None and actual is not None:
        yield Difference(kind=actual.kind, name=actual.name, result=ComparisonResult.EXTRA, actual="present", part=actual)
    elif actual is None and expected is not None:
        yield Difference(
            kind=expected.kind,
            name=expected.name,
            result=ComparisonResult.MISSING,
            expected="present",
            actual="absent",
            origin=expected.origin,
            part=expected,
        )
    elif expected is not None and actual is not None and expected != actual:
        for field in compared_fields(expected):
            if field.name != "position":
                yield from _compare_field(field, expected, actual, owner)


def compared_fields(part: Part) -> tuple[Field[Any], ...]:
    """The fields of a part that two sides must agree on."""
    return tuple(field for field in fields(part) if field.compare and field.name != "name")


def _compare_field(field: Field[Any], expected_part: Part, actual_part: Part, owner: str) -> Iterator[Difference]:
    expected, actual = getattr(expected_part, field.name), getattr(actual_part, field.name)
    if field.name == "owner" and expected is None and actual is not None:  # casts and others have no owner
        expected = owner
    how = field.metadata.get("how")
    if expected == actual or (how == "text" and expected is None):
        return
    result = ComparisonResult.DIFFERENT
    if how == "expression" and expected and actual:
        if display_value(actual) in expected_part.same_as:
            return
        result = ComparisonResult.UNPROVEN
    yield Difference(
        kind=expected_part.kind,
        name=expected_part.name,
        field=field.name,
        result=result,
        expected=display_value(expected),
        actual=display_value(actual),
        origin=expected_part.origin,
        part=actual_part,
    )


def _compare_grant(expected_grant: Part | None, actual_grant: Part | None) -> Iterator[Difference]:
    """A grantee's privileges: the whole declared set, or else just what default privileges give."""
    assert expected_grant is None or isinstance(expected_grant, Grant)
    assert actual_grant is None or isinstance(actual_grant, Grant)
    name = (expected_grant or actual_grant).name  # type: ignore[union-attr]
    actual = actual_grant.privileges if actual_grant else ()
    implied = actual_grant.implied if actual_grant else ()
    expected = expected_grant.privileges if expected_grant else implied
    if expected != actual:
        yield Difference(
            kind="grant",
            name=name,
            field="privileges",
            result=ComparisonResult.DIFFERENT if expected_grant else ComparisonResult.EXTRA,
            expected=display_value(expected),
            actual=display_value(actual),
            origin=expected_grant.origin if expected_grant else None,
            part=actual_grant or expected_grant,
        )


def _column_order(expected: Schema, actual: Schema) -> Iterator[Difference]:
    names = {column.name for column in expected.columns} & {column.name for column in actual.columns}
    expected_order, actual_order = _columns_by_table(expected, names), _columns_by_table(actual, names)
    origins = {table.name: table.origin for table in expected.tables}
    for table in sorted(expected_order):
        if expected_order[table] != actual_order.get(table):
            yield Difference(
                kind="table",
                name=table,
                field="order",
                result=ComparisonResult.DIFFERENT,
                expected=display_value(expected_order[table]),
                actual=display_value(actual_order.get(table, ())),
                origin=origins.get(table),
            )


def _columns_by_table(schema: Schema, names: set[str]) -> dict[str, tuple[str, ...]]:
    order: dict[str, tuple[str, ...]] = {}
    for column in sorted(schema.columns, key=lambda part: (part.table, part.position)):
        if column.name in names:
            order[column.table] = (*order.get(column.table, ()), column.quoted_name)
    return order


def display_value(value: object) -> str:
    """A field's value as text for a report: `none` for nothing, `yes`/`no`, lists joined by commas."""
    match value:
        case None | ():
            return "none"
        case True:
            return "yes"
        case False:
            return "no"
        case tuple():
            return ", ".join(str(item) for item in value)
        case _:
            return str(value)
