"""The pictures of tables and of state machines say what the findings beside them say."""

from __future__ import annotations

import re

from pgcontract.model.schema import Column, Constraint, Schema, Table
from pgcontract.reporting.charts import entities, state_machines
from pgcontract.reporting.run_view import RunView
from pgcontract.result import Evidence, Finding, MigrationName, Run, Severity, Status
from runs import base, broken, finding, kept

CHAIN = (MigrationName(key="020_sessions", display_name="020"), MigrationName(key="021_more", display_name="021"))
NOT_JUDGED = Evidence(
    title="Transitions that are not judged",
    columns=("transition", "why", "result"),
    rows=(("paid → open", "unspecified", "accepted"),),
)


def moves(first: str, second: str) -> tuple[Evidence, ...]:
    rows = (("open", "accepted", first), ("paid", second, "accepted"))
    return Evidence(title="Every transition", columns=("from", "to open", "to paid"), rows=rows), NOT_JUDGED


def machine(status: Status, *evidence: Evidence, **more: str) -> Finding:
    severity = Severity.ERROR if status is Status.BROKEN else None
    return finding(status, "state_machine.transitions", "state", "S.", severity=severity, evidence=evidence, **more)


def drawn(*findings: Finding) -> state_machines.StateMachinePicture:
    (picture,) = state_machines.state_machines(base(findings=findings, chain=CHAIN, migration="021_more"))
    return picture


def test_state_machine_is_drawn_as_it_was_found_last() -> None:
    early = machine(Status.BROKEN, *moves("accepted (WRONG)", "rejected"), resolution="mended by 021")
    head = machine(Status.KEPT, *moves("rejected", "accepted"), at="021_more")

    assert head is drawn(head, early).finding


def test_move_that_is_not_as_declared_says_so() -> None:
    picture = drawn(machine(Status.BROKEN, *moves("rejected (WRONG)", "accepted")))

    assert ["    s0 --> s1: WRONG, declared but rejected", "    s1 --> s0: not judged (unspecified), accepted"] == [
        line for line in state_machines.mermaid(picture).split("\n") if "-->" in line
    ]


def test_forbidden_move_that_is_refused_is_no_arrow_and_is_told() -> None:
    picture = drawn(machine(Status.KEPT, *moves("rejected", "accepted")))

    assert (["    s1 --> s0: not judged (unspecified), accepted"], True) == (
        [line for line in state_machines.mermaid(picture).split("\n") if "-->" in line],
        "forbidden and rejected (1): open → paid" in picture.words,
    )


def shop(*findings: Finding) -> Run:
    names = ('public."Order Lines"', "public.customers")
    lines = Constraint(
        name=f"{names[0]}.fk", table=names[0], form="foreign key",
        definition="FOREIGN KEY (customer) REFERENCES customers(id)",
    )  # fmt: skip
    columns = (
        Column(name=f"{names[0]}.customer", table=names[0], position=1, type="numeric(10,2)", null=False),
        Column(name=f"{names[1]}.id", table=names[1], position=1, type="character varying(9)"),
    )
    key = Constraint(name=f"{names[1]}.pk", table=names[1], form="primary key", definition="PRIMARY KEY (id)")
    tables = tuple(Table(name=name) for name in names)
    return base(findings=findings, declared=Schema(tables=tables, columns=columns, constraints=(lines, key)), live=None)


def test_tables_are_drawn_with_their_keys_and_what_is_not_as_declared() -> None:
    wrong = broken("column.type", "public.customers.id", "It is text.")
    picture = entities.entities(RunView(shop(wrong, kept("table.present", "public.customers"))))
    assert picture

    assert (
        "erDiagram\n"
        '    t0["public. Order Lines"] {\n'
        '        numeric(10_2) customer FK "not null"\n'
        "    }\n"
        '    t1["public.customers"] {\n'
        '        varchar(9) id PK "NOT AS DECLARED"\n'
        "    }\n"
        "    t1 ||--o{ t0 : has"
    ) == entities.mermaid(picture)


def test_line_of_a_key_goes_along_the_sides_that_face_each_other() -> None:
    names = ("public.a", "public.b", "public.c")
    targets = {f"{names[0]}.fk{place}": name for place, name in enumerate(names)}
    keys = tuple(
        Constraint(name=name, table=names[0], form="foreign key", definition=f"FOREIGN KEY (id) REFERENCES {target}(id)")
        for name, target in targets.items()
    )
    run = base(declared=Schema(tables=tuple(Table(name=name) for name in names), constraints=keys), live=None)
    picture = entities.entities(RunView(run))
    assert picture

    assert [
        "M24.0 79.0C4.0 83.0 4.0 59.0 24.0 65.0",  # to itself
        "M304.0 73.0C320.0 73.0 320.0 73.0 336.0 73.0",  # to the one beside it
        "M24.0 73.0C6.0 73.0 6.0 137.0 24.0 137.0",  # to the one below it
    ] == re.findall(r' d="(M[^"]*C[^"]*)"', entities.entities_chart(picture, "tables").svg)
