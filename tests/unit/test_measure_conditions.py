"""The conditions of a plan are read as the server means them, whatever stands in quotes and brackets."""

from __future__ import annotations

import pytest
from pgcontract.performance.queries.filter_conditions import Condition, mentions, read_conditions


def parts(filter_: str, alias: str | None = None) -> list[tuple[str, str, str]]:
    return [(condition.left, condition.operator, condition.right) for condition in read_conditions(filter_, alias)]


@pytest.mark.parametrize(("filter_", "expected"), [
    ("(email = $1)", [("email", "=", "$1")]),
    ("(lower((email)::text) = 'a'::text)", [("lower((email)::text)", "=", "'a'::text")]),
    ("((a = 1) AND (b <> 2))", [("a", "=", "1"), ("b", "<>", "2")]),
    ("((a = 'x AND (y'::text) AND (b = 2))", [("a", "=", "'x AND (y'::text"), ("b", "=", "2")]),
    ("((form ->> 'age'::text) = '30'::text)", [("form ->> 'age'::text", "=", "'30'::text")]),
    ("(form @> '{\"a\": 1}'::jsonb)", [("form", "@>", "'{\"a\": 1}'::jsonb")]),
    ("(paid_at IS NOT NULL)", [("paid_at", "IS NOT NULL", "")]),
    ("(NOT paid)", [("NOT paid", "", "")]),
    ("((a = 1) OR (b = 2))", [("(a = 1) OR (b = 2)", "", "")]),
])  # fmt: skip
def test_a_condition_has_two_sides(filter_: str, expected: list[tuple[str, str, str]]) -> None:
    assert expected == parts(filter_)


def test_an_alias_is_taken_off_columns_and_off_nothing_else() -> None:
    assert [("a", "=", "'o.a'::text")] == parts("(o.a = 'o.a'::text)", "o")


@pytest.mark.parametrize(
    ("filter_", "column"),
    [("(email = $1)", "email"), ("((email)::text = $1)", "email"), ("((at)::date = $1)", None), ('("E" = 1)', '"E"')],
)
def test_a_cast_that_changes_no_value_leaves_a_column_a_column(filter_: str, column: str | None) -> None:
    assert [column] == [condition.column for condition in read_conditions(filter_)]


@pytest.mark.parametrize(
    ("right", "constant"), [("$1", True), ("'a'::text", True), ("now()", True), ("b", False), ("(b + 1)", False)]
)
def test_a_value_is_told_from_another_column(right: str, constant: bool) -> None:
    assert constant is Condition(text="", left="a", operator="=", right=right).constant


@pytest.mark.parametrize(("text", "key", "expected"), [
    ("(id = 1)", "id", True),
    ("(paid = 1)", "id", False),
    ("(a = 'id'::text)", "id", False),
    ("(o.id = 1)", "id", True),
    ("(lower(email) = $1)", "lower(email)", True),
    ("((form ->> 'age'::text) = $1)", "(form ->> 'age'::text)", True),
])  # fmt: skip
def test_a_key_is_found_as_a_word_and_not_in_quotes(text: str, key: str, expected: bool) -> None:
    assert expected is mentions(text, key)
