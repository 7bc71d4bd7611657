"""The page keeps its sections, its rows and its words, whatever names and texts the Run holds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pgcontract import reporting
from pgcontract.contract.report_outline import default_outline
from pgcontract.model.schema import Column, Policy, Schema, Table
from pgcontract.reporting.effect_sentence import effect_sentence
from pgcontract.reporting.fragments import exhibits
from pgcontract.reporting.json import from_json
from pgcontract.reporting.live_tables import live_section, worst_lock
from pgcontract.reporting.markdown import first_screen, tidy
from pgcontract.reporting.markup import code, fence, prose, table, visible
from pgcontract.reporting.run_view import RunView
from pgcontract.result import (
    Decision,
    DocumentInfo,
    Effect,
    Evidence,
    Finding,
    LiveLock,
    LiveStatement,
    PartName,
    Run,
    Status,
    Verdict,
)
from pgcontract.result.row_effects import LossKind, RowLoss, RowStop, StopKind
from runs import RUNS, base, broken, kept

GOLDEN = Path(__file__).parents[1] / "golden"

SECTIONS = [section.title for section in default_outline().sections if section.title]
READER = MarkdownIt("commonmark").enable("table")
OWN_HTML = ("<br>", "<!-- -->", "<details", "</details>")
PRINTED = st.sampled_from("ab |*_<>&[]()#-+=~\\\"'!$%:.1{}/;")
words = st.text(PRINTED, min_size=1, max_size=30).filter(lambda text: text == " ".join(text.split()))
hostile = st.text(
    st.sampled_from("ab `|*_<>&[]()#-+=~\\\"'!$@%:.1\n\t\x1b\u202e\u200b{}/") | st.characters(), max_size=30
)


def ids_on(page: str) -> set[str]:
    """Every id of evidence on the page, ranges opened."""
    ranges = ((int(first), int(last or first)) for first, last in re.findall(r"\bE(\d+)(?:–E(\d+))?\b", page))
    return {f"E{place}" for first, last in ranges for place in range(first, last + 1)}


def tokens(text: str) -> list[Token]:
    return [inner for outer in READER.parse(text) for inner in (outer, *(outer.children or ()))]


def shown(text: str) -> str:
    """What a reader sees of one paragraph."""
    return _text(next(token for token in READER.parse(text) if token.type == "inline").children or ())


def _text(inside: Iterable[Token]) -> str:
    return "".join("" if token.type == "html_inline" else token.content for token in inside)


@pytest.mark.parametrize("name", RUNS)
def test_page_has_the_sections_of_the_outline_in_its_order(name: str) -> None:
    read = READER.parse(reporting.render(RUNS[name], "markdown"))
    actual = [after.content for token, after in pairwise(read) if (token.type, token.tag) == ("heading_open", "h2")]

    assert actual == SECTIONS


@settings(max_examples=200, deadline=None)
@given(words)
@example("<b>a</b> [a](b) ![a](b) **a** _a_ ~~a~~ &lt; \\| # 1. - +")
@example("1. a")
@example("# a")
def test_prose_is_shown_as_it_was_written(said: str) -> None:
    assert said == shown(prose(said))


@settings(max_examples=200, deadline=None)
@given(hostile.filter(str.strip), words)
def test_cells_of_a_table_hold_what_was_put_in(value: str, said: str) -> None:
    read = READER.parse(table(("a", "b"), [(code(value), prose(said))]))
    cells = [token.children or () for token in read if token.type == "inline"][2:]

    assert [[visible(value)], said] == [[cell.content for cell in cells[0]], _text(cells[1])]


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("`~ a\n\t|<"), max_size=60))
@example("a\n```\n\n\n\nb\n````")
def test_a_fence_gives_back_every_line_it_holds(text: str) -> None:
    block = next(token for token in READER.parse(tidy(fence(text, "sql", None))) if token.type == "fence")

    assert text.strip("\n") == block.content.strip("\n")


@settings(max_examples=30, deadline=None)
@given(hostile, hostile)
@example("<b>a</b>", "<script>a</script>\n\n# a\n\n[a](b) | ```\n</details>")
@example("a`<b>``[a](b)", "| a |\n|---|\n\n---\n> a")
def test_no_value_becomes_html_a_heading_or_a_link(name: str, said: str) -> None:
    part = {"name": name, "purpose": said, "comment": said}
    run = base(
        verdict=Verdict(decision=Decision.BLOCKED, reasons=(said,)),
        findings=(broken("table.present", name, said, expected=said, actual=said, remedy=said, claims=(name,)),
                  kept("column.type", name, said)),
        document=DocumentInfo(title=said, purpose=said, owner=said, status=said),
        declared=Schema(tables=(Table(**part),), columns=(Column(**part, table=name, position=1, type=said),),
                        policies=(Policy(**part, table=name),)),
    )  # fmt: skip
    read = tokens(reporting.render(run, "markdown"))
    foreign = [
        token.content for token in read if token.type.startswith("html") and not token.content.startswith(OWN_HTML)
    ]
    links = [token for token in read if token.type in ("link_open", "image")]

    assert ([], [], len(SECTIONS)) == (
        foreign,
        links,
        sum(token.type == "heading_open" and token.tag == "h2" for token in read),
    )


@settings(max_examples=40, deadline=None)
@given(st.lists(st.from_type(Finding), max_size=12))
def test_every_finding_is_on_the_page_by_the_id_of_its_evidence(findings: list[Finding]) -> None:
    run = base(findings=tuple(findings))
    expected = {f"E{place}" for place, _ in enumerate(RunView(run).distinct_findings, 1)}

    assert set() == expected - ids_on(reporting.render(run, "markdown"))


def test_page_of_the_shipped_chain_is_under_sixty_kilobytes_and_says_nothing_twice() -> None:
    run = from_json((GOLDEN / "shipped.run.json").read_text(encoding="utf-8"))
    page = reporting.render(run, "markdown")
    settled = {finding.summary for finding in run.findings if finding.status is Status.BROKEN and finding.resolution}

    assert (True, [], ids_on(page) - {f"E{place}" for place, _ in enumerate(run.findings, 1)}) == (
        len(page.encode()) < 60_000,
        [summary for summary in settled if page.count(str(prose(summary)).replace("|", r"\|")) > 2],
        set(),
    )


def test_every_section_opens_with_a_sentence() -> None:
    sections = reporting.render(RUNS["caution"], "markdown").split("\n## ")[1:]

    assert [] == [section for section in sections if not re.match(r"[^\n]+\n\n[A-Z0-9*][^\n]*[.:]\n", section)]


@pytest.mark.parametrize("name", RUNS)
def test_first_screen_opens_the_page_and_has_thirty_lines_at_most(name: str) -> None:
    screen = first_screen(RUNS[name])
    page = reporting.render(RUNS[name], "markdown")

    assert (page.startswith(screen.rstrip("\n")), screen.count("\n") <= 30) == (True, True)


def test_first_screen_of_a_thousand_wrong_things_has_thirty_lines_at_most() -> None:
    assert first_screen(crowd()).count("\n") <= 30


@pytest.mark.parametrize(("lines", "pieces", "shown", "left"), [
    (40, 1, 40, ""),
    (40, 2, 40, "1 more exhibit: deployment.html, or run.json at E1."),
    (41, 1, 40, "The rest: deployment.html, or run.json at E1."),
    (41, 3, 40, "The rest and 2 more exhibits: deployment.html, or run.json at E1."),
])  # fmt: skip
def test_sql_to_run_is_whole_or_said_to_be_cut(lines: int, pieces: int, shown: int, left: str) -> None:
    remedy = Evidence(title="To run", text="\n".join(f"SELECT {n};" for n in range(lines)), language="sql")
    words = Evidence(title="The server's words", text="no")
    wrong = broken("table.present", "public.t", "It is not there.", evidence=(remedy, words, words)[:pieces])
    block = "\n".join(f"SELECT {n};" for n in range(shown))

    assert f"To run:\n\n```sql\n{block}\n```" + (f"\n\n{left}" if left else "") == exhibits(
        wrong, RunView(base(findings=(wrong,)))
    )


def test_five_hundred_tables_are_folded_and_the_broken_one_stands_open() -> None:
    page = reporting.render(crowd(tables=500, wrong=1), "markdown")

    assert (page.count("<details><summary>public.t"), page.count("<details open><summary>public.t")) == (499, 1)


def test_same_run_gives_the_same_bytes_whatever_it_took() -> None:
    slow = replace(base(), phases=(), findings=tuple(replace(finding, seconds=9.0) for finding in base().findings))

    assert reporting.render(base(), "markdown") == reporting.render(slow, "markdown")


def crowd(tables: int = 3, wrong: int = 1000) -> Run:
    """Many tables of two columns, and as many broken types as asked, with claims and reasons to match."""
    names = [f"public.t{at}" for at in range(tables)]
    columns = tuple(Column(name=f"{name}.{c}", table=name, position=1, type="text") for name in names for c in "ab")
    bad = [broken("column.type", f"{names[at % tables]}.a", "x " * 300, expected="a", actual="b") for at in range(wrong)]
    return base(
        verdict=Verdict(decision=Decision.BLOCKED, reasons=("because",) * wrong),
        findings=(*bad, *(kept("column.nullability", column.name) for column in columns)),
        declared=Schema(tables=tuple(Table(name=name) for name in names), columns=columns),
    )


def parts(*names: str) -> tuple[PartName, ...]:
    return tuple(PartName(kind=kind, name=name) for kind, _, name in (word.partition(" ") for word in names))


LOSS = RowLoss(migration="020_sessions", kind=LossKind.DROPPED, table="public.old", lost=3, held=3, named=True)
STOP = RowStop(migration="020_sessions", kind=StopKind.SOME_ROWS, message="no", table="public.b")
LOCKING = LiveStatement(
    path="020.sql",
    line=3,
    text="ALTER TABLE public.b ALTER c SET NOT NULL",
    until=3,
    locks=(LiveLock(table="public.b", mode="ACCESS EXCLUSIVE", blocks="reads and writes", taken=True),),
    work=('reads every row of public."b*"',),
)
EFFECTS: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({"effect": Effect()}, "makes, changes and drops no object."),
    "not applied": ({"effect": None}, "not shown, since the script was not applied in this run."),
    "a table and what is in it": (
        {"effect": Effect(made=parts("table public.a", "column public.a.b", "constraint public.a.c", "index public.i"))},
        "makes 1 table (`public.a`) and 2 of its columns, constraints and the like, 1 index; drops nothing.",
    ),
    "all of it": (
        {
            "effect": Effect(changed=parts("column public.b.c"), dropped=parts("function public.f()"), live=(LOCKING,)),
            "losses": (LOSS,),
            "stops": (STOP,),
        },
        "changes 1 column (`public.b.c`); drops 1 function (`public.f()`); locks `public.b` (ACCESS EXCLUSIVE, from line "
        '3): reads and writes of it wait while it reads every row of public."b\\*"; '
        "loses what is in `public.old`; stops at some rows of `public.b`.",
    ),
}


@pytest.mark.parametrize(("has", "expected"), EFFECTS.values(), ids=EFFECTS)
def test_what_a_migration_does_is_one_line(has: dict[str, Any], expected: str) -> None:
    assert expected == effect_sentence(base(**has))


def test_statements_that_are_not_measured_are_one_line() -> None:
    why = ("no more than 3 tables are filled", "no more than 3 tables are filled", "a view gets no rows", "")
    live = tuple(replace(LOCKING, line=line, not_measured=reason) for line, reason in enumerate(why, 3))
    page = str(live_section(RunView(base(effect=Effect(live=live)))))

    assert (
        "Not measured at these sizes: lines 3, 4 (no more than 3 tables are filled); line 5 (a view gets no rows)."
        == page.splitlines()[-1]
    )


def test_worst_lock_is_held_on_a_table_that_an_earlier_file_renames() -> None:
    (lock,) = LOCKING.locks
    renamed = replace(lock, table="public.c", deployed_as="public.b", taken=False)
    first = replace(LOCKING, work=(), until_in="021", until=2)
    live = (first, replace(first, migration="021", line=2, locks=(renamed,), work=("goes through every row of d",)))
    run = base(effect=Effect(live=live))

    assert (
        "Worst lock: ACCESS EXCLUSIVE on `public.b`, line 3 to line 2 of 021: reads and writes wait while it goes "
        "through every row of d."
    ) == str(worst_lock(run))
