"""Two schemas compared: what is missing, extra, different, or not proven the same."""

from __future__ import annotations

from typing import Any

import pytest
from case_tables import cases
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


def check(definition: str, **said: Any) -> Schema:
    return Schema(
        constraints=(Constraint(name="public.t.c", table="public.t", form="check", definition=definition, **said),)
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


T = Schema(tables=(Table(name="public.t", owner="postgres"),))
AB = Schema(tables=T.tables, columns=(column("a", 1), column("b", 2)))
PINNED = check("CHECK ((a > 1))", same_as=("CHECK ((a >= 2))",))
VIEW = View(name="public.v", definition="SELECT 1 AS one", owner="postgres")
ONE, TWO = (Column(name=f"public.v.{name}", table="public.v", position=1, type="integer") for name in ("one", "two"))
MISSING, EXTRA, DIFFERENT, UNPROVEN = (
    ComparisonResult.MISSING, ComparisonResult.EXTRA, ComparisonResult.DIFFERENT, ComparisonResult.UNPROVEN,
)  # fmt: skip


@cases(("declared", "live", "expected"), {
    "what is there and not declared is extra": (Schema(), Schema(indexes=(Index(name="public.i", table="public.t"),)),
        [("index", "public.i", "", EXTRA, "", "present")]),
    "each field that differs": (
        Schema(columns=(column("a", 1, null=False),)), Schema(columns=(column("a", 1, type="integer"),)),
        [("column", "public.t.a", "type", DIFFERENT, "text", "integer"),
         ("column", "public.t.a", "null", DIFFERENT, "no", "yes")]),
    "two spellings of an expression are not proven the same": (check("CHECK ((a > 1))"), check("CHECK ((a >= 2))"),
        [("constraint", "public.t.c", "definition", UNPROVEN, "CHECK ((a > 1))", "CHECK ((a >= 2))")]),
    "a pinned spelling is the same": (PINNED, check("CHECK ((a >= 2))"), []),
    "a pin does not excuse another spelling": (PINNED, check("CHECK ((a >= 3))"),
        [("constraint", "public.t.c", "definition", UNPROVEN, "CHECK ((a > 1))", "CHECK ((a >= 3))")]),
    "an expression that only one side has": (Schema(columns=(column("a", 1, default="now()"),)),
        Schema(columns=(column("a", 1),)), [("column", "public.t.a", "default", DIFFERENT, "now()", "none")]),
    "an owner that is not declared is the role that migrates": (
        Schema(schemas=(Namespace(name="a"), Namespace(name="b"))),
        Schema(schemas=(Namespace(name="a", owner="postgres"), Namespace(name="b", owner="ann"))),
        [("schema", "b", "owner", DIFFERENT, "postgres", "ann")]),
    "what is told and not promised": (
        Schema(tables=(Table(name="public.t", owner="postgres", purpose="Rows", origin=PLACE, same_as=("x",)),)), T, []),
    "columns out of order are one difference of the table": (AB,
        Schema(tables=T.tables, columns=(column("a", 2), column("b", 1))),
        [("table", "public.t", "order", DIFFERENT, "a, b", "b, a")]),
    "a missing column does not put the others out of order": (
        Schema(columns=(column("a", 1), column("b", 2), column("c", 3))),
        Schema(columns=(column("b", 1), column("c", 2))), [("column", "public.t.a", "", MISSING, "present", "absent")]),
    "a view's columns are not extra where none are declared": (Schema(views=(VIEW,)),
        Schema(views=(VIEW,), columns=(ONE,)), []),
    "a view's columns are compared where some are declared": (
        Schema(views=(VIEW,), columns=(TWO,)), Schema(views=(VIEW,), columns=(ONE,)),
        [("column", "public.v.one", "", EXTRA, "", "present"),
         ("column", "public.v.two", "", MISSING, "present", "absent")]),
})  # fmt: skip
def test_two_schemas_differ_in(
    declared: Schema, live: Schema, expected: list[tuple[str, str, str, ComparisonResult, str, str]]
) -> None:
    assert expected == told(declared, live)


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
