"""Rows compared by value, and what a rollback did to them apart from what the migration had lost."""

from __future__ import annotations

from case_tables import cases
from pgcontract.model.contents import Contents, Row, SequencePosition, TableContents, compare_rows, row_counts
from pgcontract.model.rollback_differences import compare_after_rollback

BEFORE = (("1", "Ann", "07"), ("2", "Bob", None))


def table(*rows: Row, columns: tuple[str, ...] = ("id", "name", "phone"), name: str = "public.t") -> TableContents:
    return TableContents(name=name, oid=1, columns=columns, key=("id",), count=len(rows), rows=rows)


def contents(held: TableContents) -> Contents:
    return Contents(tables={held.name: held})


def test_rows_are_paired_by_key_whatever_their_order() -> None:
    after = table(("3", "Eve", None), ("2", "Bob", None), ("1", "ann", "07"))

    differences = compare_rows(table(*BEFORE), after)

    assert [("changed", ("name",)), ("added", ())] == [(each.change, each.changed_columns) for each in differences]


def test_equal_rows_are_counted_each() -> None:
    log = TableContents(name="public.log", oid=2, columns=("what",), count=1, rows=(("run",),))
    twice = TableContents(name="public.log", oid=2, columns=("what",), count=2, rows=(("run",), ("run",)))

    assert "public.log: 1 row added" == row_counts(compare_rows(log, twice))


def test_ignored_columns_count_nothing() -> None:
    assert () == compare_rows(table(*BEFORE), table(("1", "Ann", "08"), ("2", "Bob", "09")), ignored=("phone",))


@cases(("migrated", "left", "own", "lost"), {
    "restored": (table(*BEFORE), table(*BEFORE), "", ""),
    "column dropped by the migration": (table(("1", "Ann"), ("2", "Bob"), columns=("id", "name")),
        table(("1", "Ann", None), ("2", "Bob", None)), "", "public.t: 1 row changed"),
    "emptied by the rollback": (table(*BEFORE), table(("1", "Ann", None), BEFORE[1]), "public.t: 1 row changed", ""),
    "changed back to something else": (table(("1", "ANN", "07"), BEFORE[1]), table(("1", "ann", "07"), BEFORE[1]),
        "public.t: 1 row changed", ""),
    "deleted by the migration": (table(BEFORE[1]), table(BEFORE[1]), "", "public.t: 1 row removed"),
    "deleted by the rollback": (table(*BEFORE), table(BEFORE[1]), "public.t: 1 row removed", ""),
    "renamed meanwhile": (table(*BEFORE, name="public.u"), table(("1", "Ann", "7"), BEFORE[1]), "public.t: 1 row changed",
        ""),
})  # fmt: skip
def test_what_the_rollback_broke_is_told_from_what_was_lost(
    migrated: TableContents, left: TableContents, own: str, lost: str
) -> None:
    differences = compare_after_rollback(
        contents(table(*BEFORE)), contents(migrated), contents(migrated), contents(left), lambda _table, _rows: ()
    )

    assert (own, lost) == (row_counts(differences.own), row_counts(differences.lost_before))


def test_descending_sequence_comes_to_a_key_below() -> None:
    position = SequencePosition(name="public.s", next_number=-3, increment=-1, numbers_column=True, furthest_key=-9)

    assert position.repeats_key
