"""What test reports, code scanning and code quality are told: each status by the one table, in a form that they read."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pgcontract import reporting
from pgcontract.cli import run as command
from pgcontract.cli.step_summary import add_step_summary
from pgcontract.model.schema import Origin
from pgcontract.reporting.json import to_json
from pgcontract.reporting.levels import fingerprint, levels_of
from pgcontract.reporting.markdown import first_screen
from pgcontract.reporting.places import place_of
from pgcontract.result import Finding, Severity, Status
from runs import RUNS, base, broken, finding
from test_report_pages import golden

ROOT = Path(__file__).parents[2]

PLACE = Origin(file="schema/migrations/020_sessions.sql", line=2, column=5)


def settled(status: Status, why: str, **more: Any) -> Finding:
    return finding(status, "column.default", "public.t.c", "Settled.", resolution=why, **more)


KINDS = {
    **{
        f"BROKEN {weight.value}": broken("column.type", f"public.t.{weight.value}", "It differs: <a> & \x1b.", weight,
                                         expected="a", actual="b", remedy="Mend it.", origin=PLACE)
        for weight in Severity
    },
    "BROKEN, mended or corrected": settled(Status.BROKEN, "mended by 021"),
    "WAIVED": settled(Status.WAIVED, "waived by me until 2030-01-01", severity=Severity.ERROR),
    "UNKNOWN": finding(Status.UNKNOWN, "script.applies", "script", "No server was there."),
    "UNKNOWN, answered later": settled(Status.UNKNOWN, "answered at 021"),
    "ERROR": finding(Status.ERROR, "table.row_count", "public.t", "The check itself failed."),
    "NOTED": finding(Status.NOTED, "script.parsed", "script", "Statement 4 cannot be read."),
    "NOTED, not asked since a script was not applied": finding(Status.NOTED, "column.key_width", "catalog",
                                                               "The server refused the script.", follows="020_sessions"),
    "KEPT": finding(Status.KEPT, "script.rerun", "script", "A second run changes nothing."),
}  # fmt: skip
WHOLE = base(findings=tuple(KINDS.values()), claims=())
# The help of one rule is enough.
RUN = replace(WHOLE, checks=tuple(check for check in WHOLE.checks if check.id == "column.type"))
# What the golden pages show: the other weights differ in a word, which the table has.
SHOWN = ("BROKEN error", "BROKEN, mended or corrected", "WAIVED", "UNKNOWN", "ERROR", "NOTED", "KEPT")
XML_OF = {"failure": "failure", "error": "error", "skipped": "skipped", "passed, its text in system-out": "system-out"}


def table() -> dict[str, list[str]]:
    """The table of docs/formats.md, by its first column."""
    text = (ROOT / "docs/formats.md").read_text(encoding="utf-8").partition("## What a finding is called")[2]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return {name: cells for name, *cells in rows[2:]}


@pytest.mark.parametrize("kind", KINDS)
def test_levels_are_those_of_the_table_in_the_docs(kind: str) -> None:
    levels = levels_of(KINDS[kind])
    sarif = f"{levels.sarif}, suppressed" if levels.suppressed else levels.sarif

    assert table()[kind] == [levels.junit.value, sarif or "–", levels.gitlab or "–", levels.github or "–"]


@pytest.mark.parametrize(("started_in", "path", "expected"), [
    ("", "./db/1.sql", "./db/1.sql"),
    ("back/api", "db/1.sql", "back/api/db/1.sql"),
    ("back/api", "../../db/1.sql", "db/1.sql"),
    ("back/api", "../../../elsewhere/1.sql", "../../../elsewhere/1.sql"),
    ("back/api", "/srv/db/1.sql", "/srv/db/1.sql"),
])  # fmt: skip
def test_place_is_written_from_the_top_of_the_repository(started_in: str, path: str, expected: str) -> None:
    found = place_of(replace(KINDS["KEPT"], origin=Origin(file=path)), base(started_in=started_in))

    assert Origin(file=expected, line=1) == found


def test_table_in_the_docs_has_every_kind() -> None:
    assert set(KINDS) == set(table())


@pytest.mark.parametrize("form", ["junit", "sarif", "gitlab"])
def test_page_equals_the_golden_page(form: str) -> None:
    rendered = reporting.render(replace(RUN, findings=tuple(KINDS[kind] for kind in SHOWN)), form)

    assert golden(f"kinds.{form}", rendered) == rendered


@pytest.mark.parametrize("name", RUNS)
def test_junit_is_well_formed_and_counts_its_cases(name: str) -> None:
    suites = ElementTree.fromstring(reporting.render(RUNS[name], "junit"))
    cases = list(suites.iter("testcase"))
    inside = Counter(child.tag for case in cases for child in case)

    assert [str(number) for number in (len(cases), inside["failure"], inside["error"], inside["skipped"])] == [
        suites.get(word) for word in ("tests", "failures", "errors", "skipped")
    ]


def test_junit_says_of_each_kind_what_the_table_says() -> None:
    cases = ElementTree.fromstring(reporting.render(RUN, "junit")).iter("testcase")
    expected = [XML_OF.get(table()[kind][0], "") for kind in KINDS]

    assert expected == ["".join(child.tag for child in case) for case in cases]


@pytest.mark.parametrize("name", RUNS)
def test_sarif_has_what_the_schema_demands(name: str) -> None:
    """The schema itself is asked by `nox -s sarif`."""
    document = json.loads(reporting.render(RUNS[name], "sarif"))
    (run,) = document["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    wrong = [
        result
        for result in run["results"]
        if result["level"] not in ("error", "warning", "note")
        or not result["message"]["text"]
        or rules[result["ruleIndex"]] != result["ruleId"]
        or any(place["physicalLocation"]["region"]["startLine"] < 1 for place in result["locations"])
        or any(
            set(place["physicalLocation"]["artifactLocation"]["uri"]) & set(' |`"<>\\') for place in result["locations"]
        )
    ]

    assert ("2.1.0", sorted(set(rules)), []) == (document["version"], sorted(rules), wrong)


def test_fingerprint_is_of_check_subject_and_migration_and_of_no_line() -> None:
    first = KINDS["BROKEN error"]
    moved = replace(first, origin=replace(PLACE, line=9), summary="Other words.", severity=Severity.WARNING)
    others = [replace(first, check="column.null"), replace(first, subject="public.u.c"), replace(first, migration="019")]

    assert (fingerprint(first), 4) == (fingerprint(moved), len({*map(fingerprint, others), fingerprint(first)}))


@pytest.mark.parametrize(("actions", "expected"), [("true", "before\n" + first_screen(RUN) + "\n"), ("", "before\n")])
def test_step_of_github_actions_gets_its_summary(
    actions: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "summary.md"
    file.write_text("before\n")
    monkeypatch.setenv("GITHUB_ACTIONS", actions)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
    add_step_summary(RUN)

    assert expected == file.read_text(encoding="utf-8")


@pytest.fixture
def run_json(tmp_path: Path) -> Path:
    file = tmp_path / "run.json"
    file.write_text(to_json(RUN), encoding="utf-8")
    return file


def test_several_formats_are_written_at_once_and_nothing_else_is_printed(
    run_json: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = {"sarif": tmp_path / "new/out.sarif", "junit": tmp_path / "out.xml"}
    code = command(["report", str(run_json), *(f"--format={form}={file}" for form, file in wanted.items())])

    assert (4, {form: reporting.render(RUN, form) for form in wanted}, "") == (
        code,
        {form: file.read_text(encoding="utf-8") for form, file in wanted.items()},
        capsys.readouterr().out,
    )


@pytest.mark.parametrize(("given", "told"), [
    (["sarif", "junit"], "standard output takes one format, not sarif and junit; write one to a file, as junit=FILE"),
    (["sarif=a", "junit=a"], "two formats are to be written to a; name another file for one"),
    (["sarif="], "'sarif=' names no file: write sarif=FILE, or sarif alone for standard output."),
    (["pdf=a"], "'pdf' is not one of 'github', 'gitlab', 'html', 'json', 'junit', 'markdown', 'sarif', 'text'."),
])  # fmt: skip
def test_mistakes_in_formats(
    given: list[str], told: str, run_json: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    code = command(["report", str(run_json), *(word for form in given for word in ("--format", form))])

    assert (2, True) == (code, told in capsys.readouterr().err)
