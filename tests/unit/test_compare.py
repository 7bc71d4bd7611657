"""Two schemas compared: what is missing, extra, different, or not proven the same."""

from __future__ import annotations

from typing import Any

import pytest
from pgcontract.model.comparison import ComparisonResult, Difference, compare, display_value
from pgcontract.model.schema import Column, Constraint, Grant, Index, Namespace, Origin, Part, Schema, Table, View

PLACE = Origin(file="contract.toml", line=7)


def column(name: str, position: int, **said: Any) -> Column:
    return Column(name=f"public.t.{name}", table="public.t", position=position, **{"type": "text", **said})


def told(expected: Schema, actual: Schema) -> list[tuple[str, str, str, ComparisonResult, str, str]]:
    differences = compare(expected, actual, owner="postgres")
    return [
        (difference.kind, difference.name, difference.field, difference.result, difference.expected, difference.actual)
        for difference in differences
    ]


def test_the_same_shape_has_no_difference() -> None:
    one = Schema(tables=(Table(name="public.t", owner="postgres"),), columns=(column("a", 1),))

    assert () == compare(one, one, owner="postgres")


def test_what_is_declared_and_not_there_is_missing_at_its_place() -> None:
    table = Table(name="public.t", origin=PLACE)
    expected = Difference(
        kind="table",
        name="public.t",
        result=ComparisonResult.MISSING,
        expected="present",
        actual="absent",
        origin=PLACE,
        part=table,
    )

    assert (expected,) == compare(Schema(tables=(table,)), Schema(), owner="postgres")


def test_what_is_there_and_not_declared_is_extra() -> None:
    index = Index(name="public.i", table="public.t")

    assert [("index", "public.i", "", ComparisonResult.EXTRA, "", "present")] == told(Schema(), Schema(indexes=(index,)))


def test_each_field_that_differs_is_a_difference() -> None:
    declared = Schema(columns=(column("a", 1, null=False),))
    live = Schema(columns=(column("a", 1, type="integer"),))

    assert [
        ("column", "public.t.a", "type", ComparisonResult.DIFFERENT, "text", "integer"),
        ("column", "public.t.a", "null", ComparisonResult.DIFFERENT, "no", "yes"),
    ] == told(declared, live)


def check(definition: str, **said: Any) -> Schema:
    return Schema(
        constraints=(Constraint(name="public.t.c", table="public.t", form="check", definition=definition, **said),)
    )


def test_two_spellings_of_an_expression_are_not_proven_the_same() -> None:
    actual = told(check("CHECK ((a > 1))"), check("CHECK ((a >= 2))"))

    assert [
        ("constraint", "public.t.c", "definition", ComparisonResult.UNPROVEN, "CHECK ((a > 1))", "CHECK ((a >= 2))")
    ] == actual


def test_a_pinned_spelling_is_the_same() -> None:
    assert [] == told(check("CHECK ((a > 1))", same_as=("CHECK ((a >= 2))",)), check("CHECK ((a >= 2))"))


def test_a_pin_does_not_excuse_another_spelling() -> None:
    declared = check("CHECK ((a > 1))", same_as=("CHECK ((a >= 2))",))

    assert [ComparisonResult.UNPROVEN] == [difference[3] for difference in told(declared, check("CHECK ((a >= 3))"))]


def test_an_expression_that_only_one_side_has_is_different() -> None:
    declared = Schema(columns=(column("a", 1, default="now()"),))

    assert [("column", "public.t.a", "default", ComparisonResult.DIFFERENT, "now()", "none")] == told(
        declared, Schema(columns=(column("a", 1),))
    )


@pytest.mark.parametrize(
    ("declared", "expected"),
    [(None, []), ("Known", []), ("Other", ["comment"])],
    ids=["not given", "the same text", "another text"],
)
def test_a_comment_is_compared_where_its_text_is_given(declared: str | None, expected: list[str]) -> None:
    expected_schema = Schema(tables=(Table(name="public.t", owner="postgres", comment=declared),))
    actual_schema = Schema(tables=(Table(name="public.t", owner="postgres", comment="Known"),))

    assert expected == [difference[2] for difference in told(expected_schema, actual_schema)]


def test_an_owner_that_is_not_declared_is_the_role_that_migrates() -> None:
    declared = Schema(schemas=(Namespace(name="a"), Namespace(name="b")))
    live = Schema(schemas=(Namespace(name="a", owner="postgres"), Namespace(name="b", owner="ann")))

    assert [("schema", "b", "owner", ComparisonResult.DIFFERENT, "postgres", "ann")] == told(declared, live)


def test_what_is_told_and_not_promised_makes_no_difference() -> None:
    declared = Schema(tables=(Table(name="public.t", owner="postgres", purpose="Rows", origin=PLACE, same_as=("x",)),))

    assert [] == told(declared, Schema(tables=(Table(name="public.t", owner="postgres"),)))


def test_columns_out_of_order_are_one_difference_of_the_table() -> None:
    declared = Schema(tables=(Table(name="public.t", owner="postgres"),), columns=(column("a", 1), column("b", 2)))
    live = Schema(tables=declared.tables, columns=(column("a", 2), column("b", 1)))

    assert [("table", "public.t", "order", ComparisonResult.DIFFERENT, "a, b", "b, a")] == told(declared, live)


def test_a_missing_column_does_not_put_the_others_out_of_order() -> None:
    declared = Schema(columns=(column("a", 1), column("b", 2), column("c", 3)))
    live = Schema(columns=(column("b", 1), column("c", 2)))

    assert [("column", "public.t.a", "", ComparisonResult.MISSING, "present", "absent")] == told(declared, live)


VIEW = View(name="public.v", definition="SELECT 1 AS one", owner="postgres")
OF_VIEW = Column(name="public.v.one", table="public.v", position=1, type="integer")


def test_a_views_columns_are_not_extra_where_none_are_declared() -> None:
    assert [] == told(Schema(views=(VIEW,)), Schema(views=(VIEW,), columns=(OF_VIEW,)))


def test_a_views_columns_are_compared_where_some_are_declared() -> None:
    other = Column(name="public.v.two", table="public.v", position=1, type="integer")
    actual = told(Schema(views=(VIEW,), columns=(other,)), Schema(views=(VIEW,), columns=(OF_VIEW,)))

    assert [ComparisonResult.EXTRA, ComparisonResult.MISSING] == [difference[3] for difference in actual]


def grant(*privileges: str, implied: tuple[str, ...] = ()) -> Schema:
    name = "table public.t to ann"
    return Schema(grants=(Grant(name=name, on="table public.t", grantee="ann", privileges=privileges, implied=implied),))


@pytest.mark.parametrize(
    ("declared", "live", "expected"),
    [
        (Schema(), grant("select", implied=("select",)), []),
        (Schema(), grant("select"), [(ComparisonResult.EXTRA, "none", "select")]),
        (Schema(), grant(implied=("select",)), [(ComparisonResult.EXTRA, "select", "none")]),
        (grant("select"), Schema(), [(ComparisonResult.DIFFERENT, "select", "none")]),
        (grant("select"), grant("insert", "select"), [(ComparisonResult.DIFFERENT, "select", "insert, select")]),
        (grant("select"), grant("select", implied=("insert",)), []),
    ],
    ids=["as defaults give", "beyond defaults", "less than defaults", "none given", "too many", "as declared"],
)
def test_a_grantee_has_the_declared_privileges_or_those_that_defaults_give(
    declared: Schema, live: Schema, expected: list[tuple[ComparisonResult, str, str]]
) -> None:
    assert expected == [difference[3:] for difference in told(declared, live)]


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "none"), ((), "none"), (True, "yes"), (False, "no"), (("a", "b"), "a, b"), (0, "0"), ("now()", "now()")],
)
def test_a_value_reads_as_a_person_would_say_it(value: object, text: str) -> None:
    assert text == display_value(value)


def test_differences_come_by_kind_and_name() -> None:
    parts: tuple[Part, ...] = (Index(name="public.b", table="public.t"), Index(name="public.a", table="public.t"))
    live = Schema(tables=(Table(name="public.z"),), indexes=parts)  # type: ignore[arg-type]

    assert ["public.z", "public.a", "public.b"] == [
        difference.name for difference in compare(Schema(), live, owner="postgres")
    ]
