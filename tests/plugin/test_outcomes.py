"""How the ends of a check look in pytest, and what pytest exits with."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pgcontract.contract import BaselineEntry, FindingKey, baseline_text
from pgcontract.model.sql import digest_of_script, read_script
from pgcontract.result import Severity
from pgcontract.rules import registry

CONTRACT = "contracts/001_note/contract.toml"

Edit = Callable[[Path], None]


def kept(project: Path) -> None:
    """Nothing is changed."""


def broken(project: Path) -> None:
    contract = project / CONTRACT
    text = contract.read_text(encoding="utf-8").replace('"text"', '"text", default = "\'nothing\'"')
    contract.write_text(text, encoding="utf-8")


def waived(project: Path) -> None:
    broken(project)
    with (project / CONTRACT).open("a", encoding="utf-8") as contract:
        contract.write(
            '[[waiver]]\ncheck = "column.default"\nsubject = "public.note.body"\n'
            f'reason = "nobody notices"\nowner = "Ann"\nuntil = {dt.date.today() + dt.timedelta(days=30)}\n'
        )


def known(project: Path) -> None:
    broken(project)
    key = FindingKey(
        migration="001_note",
        check="column.default",
        subject="public.note.body",
        statement=digest_of_script(read_script(project / "migrations/001_note.sql")),
    )
    text = baseline_text([BaselineEntry(key=key, severity=Severity.ERROR)])
    (project / "pgcontract-baseline.toml").write_text(text, encoding="utf-8")


def run(pytester: pytest.Pytester, *arguments: str) -> tuple[int, dict[str, int], str]:
    """Exit status, the outcomes other than passed, and the decision in the terminal summary."""
    result = pytester.runpytest_inprocess(*arguments)
    verdict = re.search(r"^verdict: (\w+)$", result.stdout.str(), re.MULTILINE)
    outcomes: dict[str, Any] = result.parseoutcomes()
    wrong = {name: count for name, count in outcomes.items() if name not in ("passed", "deselected")}
    return int(result.ret), wrong, verdict[1] if verdict else ""


@pytest.mark.parametrize(("edit", "words", "expected"), [
    (kept, [], (0, {}, "CLEAR")),
    (broken, ["-k", "column"], (1, {"failed": 1}, "BLOCKED")),
    (waived, [], (0, {"xfailed": 1}, "CAUTION")),
    (known, [], (0, {"xfailed": 1}, "CLEAR")),
], ids=["kept", "broken", "waived", "known"])  # fmt: skip
def test_outcomes_and_verdict(
    pytester: pytest.Pytester, project: Path, edit: Edit, words: list[str], expected: tuple[int, dict[str, int], str]
) -> None:
    edit(project)

    assert expected == run(pytester, "schema", *words)


@pytest.mark.usefixtures("project")
def test_what_no_server_could_show_is_an_error(pytester: pytest.Pytester) -> None:
    code, outcomes, verdict = run(pytester, "schema", "--pgcontract-pg", "none", "--pgcontract-only", "column.*")

    assert (1, ["errors"], "INCOMPLETE") == (code, list(outcomes), verdict)


def test_what_a_refused_script_leaves_unasked_is_skipped(pytester: pytest.Pytester) -> None:
    (pytester.mkdir("db") / "1_a.sql").write_text("CREATE TABLE a (id nothing);", encoding="utf-8")
    asked = run(pytester, "--pgcontract", "db", "-k", "script.applies or column.key_width")

    assert (1, {"failed": 1, "skipped": 1}, "BLOCKED") == asked


@pytest.mark.usefixtures("project")
def test_strict_makes_caution_fail(pytester: pytest.Pytester) -> None:
    assert (1, {}, "CAUTION") == run(pytester, "schema", "--pgcontract-only", "column.*", "--pgcontract-strict")


@pytest.mark.usefixtures("project")
def test_a_selection_is_never_clear(pytester: pytest.Pytester) -> None:
    assert (0, {}, "CAUTION") == run(pytester, "schema", "-k", "column.type")


@pytest.mark.parametrize(("words", "expected"), [
    (("-k", "column and id"), (0, {}, "CAUTION")),
    (("-k", "waiver"), (1, {"failed": 1}, "BLOCKED")),
    ((f"schema/{CONTRACT}::waiver.live[column.type[public.note.body]]",), (1, {"failed": 1}, "BLOCKED")),
], ids=["beside it", "it", "it by its name"])  # fmt: skip
def test_a_selection_judges_a_waiver_that_it_names(
    pytester: pytest.Pytester, project: Path, words: tuple[str, ...], expected: tuple[int, dict[str, int], str]
) -> None:
    with (project / CONTRACT).open("a", encoding="utf-8") as contract:
        contract.write(
            '[[waiver]]\ncheck = "column.type"\nsubject = "public.note.body"\n'
            'reason = "nobody notices"\nowner = "Ann"\nuntil = 2020-01-01\n'
        )

    assert expected == run(pytester, *words, *([] if "::" in words[0] else ["schema"]))


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("workers", [[], ["-n1"]], ids=["alone", "a worker"])
def test_a_failing_test_of_somebody_else_still_fails_the_run(pytester: pytest.Pytester, workers: list[str]) -> None:
    pytester.makepyfile("def test_fails(): assert False")

    assert (1, {"failed": 1}, "CAUTION") == run(pytester, ".", "schema", "--pgcontract-only", "column.*", *workers)


@pytest.fixture
def failing(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check of ours that fails by a fault of its own, and is registered for the inner run alone."""
    for registered in ("_checks", "_owners"):
        monkeypatch.setattr(registry, registered, dict(getattr(registry, registered)))
    pytester.makeconftest(
        "from pgcontract import check\n"
        "words = 'Fails.\\n\\nWhy it matters: so.\\nHow it is measured: so.\\nWhat to do: nothing.'\n"
        "@check('bug.ours', subjects=lambda promise: ['script'], explanation=words)\n"
        "def fail(context): raise KeyError('nothing')\n"
    )


@pytest.mark.parametrize(
    ("edit", "workers", "wrong", "verdict"),
    [(kept, [], {"failed": 1, "errors": 1}, "INCOMPLETE"), (broken, ["-n1"], {"failed": 2, "errors": 1}, "BLOCKED")],
    ids=["kept-alone", "broken-n1"],
)
@pytest.mark.usefixtures("failing")
def test_a_bug_of_ours_exits_with_4_whatever_else_was_found(
    pytester: pytest.Pytester, project: Path, workers: list[str], edit: Edit, wrong: dict[str, int], verdict: str
) -> None:
    edit(project)
    pytester.makepyfile("def test_fails(): assert False")
    selection = ("--pgcontract-only", "bug.ours", "--pgcontract-only", "column.default")

    assert (4, wrong, verdict) == run(pytester, ".", "schema", *selection, *workers)


def test_first_failure_stops_the_run_under_x_and_blocks(pytester: pytest.Pytester, project: Path) -> None:
    broken(project)

    assert (1, {"failed": 1}, "BLOCKED") == run(pytester, "schema", "-x")


def test_failure_tells_place_promise_and_find(pytester: pytest.Pytester, project: Path) -> None:
    broken(project)
    result = pytester.runpytest_inprocess("schema", "-k", "column.default")

    result.stdout.fnmatch_lines([f"*{CONTRACT}:8: BROKEN*column.default*", "expected: *nothing*", "found: *"])
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.usefixtures("project")
def test_junit_has_one_case_an_item(pytester: pytest.Pytester) -> None:
    pytester.runpytest_inprocess("schema", "-k", "column.type", "--junitxml", "junit.xml")
    words = re.findall(r'<testcase [^>]*name="([^"]+)"', (pytester.path / "junit.xml").read_text(encoding="utf-8"))

    assert ["column.type[body]", "column.type[id]"] == sorted(words)


@pytest.mark.usefixtures("project")
def test_reports_are_written_where_asked(pytester: pytest.Pytester) -> None:
    run(pytester, "schema", "-k", "column.type", "--pgcontract-report", "reports")
    actual = sorted(path.name for path in (pytester.path / "reports/001_note").iterdir())

    assert [".pgcontract.json", "deployment.html", "deployment.md", "run.json"] == actual


def test_the_options_of_a_folder_count(pytester: pytest.Pytester, project: Path) -> None:
    file = project / "migrations" / "001_note.sql"
    file.write_text(file.read_text(encoding="utf-8") + "COMMENT ON SCHEMA app IS 'Theirs';\n", encoding="utf-8")
    (pytester.path / "setup.sql").write_text("CREATE SCHEMA app;", encoding="utf-8")
    options = ("--pgcontract-setup", "setup.sql", "--pgcontract-platform", "supabase", "--pgcontract-layout", "flat")
    result = pytester.runpytest_inprocess("schema", *options, "-k", "script.applies")

    result.assert_outcomes(passed=1)


@pytest.mark.parametrize(("options", "words"), [
    (("--pgcontract-setup", "setup.sql"), "setup.sql: no such file"),
    (("--pgcontract-set", "a"), "--pgcontract-set: a value is given as NAME=VALUE; number 1 is not"),
    (("--pgcontract-applied", "9"), "no migration is called '9'"),
    (("--pgcontract-layout", "flatt"), "no layout is called so"),
])  # fmt: skip
@pytest.mark.usefixtures("project")
def test_a_wrong_option_of_a_folder_is_an_error(options: tuple[str, ...], words: str, pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("schema", *options)

    assert (pytest.ExitCode.INTERRUPTED, True) == (result.ret, words in result.stdout.str())
