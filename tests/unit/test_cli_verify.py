"""`pgcontract verify` on a real server: one verdict, whatever asks for it."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable
from pathlib import Path

import pytest
from command import Command, Said, command_in

CONTRACT = "contracts/001_note/contract.toml"


def decision(text: str) -> str:
    """The verdict in a run.json."""
    return str(json.loads(text)["verdict"]["decision"])


def break_promise(project: Path) -> None:
    """The contract has a default where the migration makes none."""
    contract = project / CONTRACT
    text = contract.read_text(encoding="utf-8").replace('"text"', '"text", default = "\'nothing\'"')
    contract.write_text(text, encoding="utf-8")


def leave_promise_open(project: Path) -> None:
    """A claim that no check decides yet."""
    claim = '[[claim]]\nid = "X1"\ndescription = "It is fast"\nchecks = []\npending = "the checks of speed"\n'
    (project / CONTRACT).with_name("claims.toml").write_text(claim, encoding="utf-8")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, write_project: Callable[[Path], Path]) -> tuple[Said, Path]:
    """What a process said that was asked for a run.json and for reports, and where it was run."""
    folder = tmp_path_factory.mktemp("written")
    write_project(folder / "schema")
    return command_in(folder)("verify", "schema", "--json", "run.json", "--report", "deep/reports"), folder


def test_no_report_prints_a_secret_that_a_migration_holds_as_text(pgcontract: Command, tmp_path: Path) -> None:
    key, password = "sk_live_51Habcdefghijklmnopqrstuv", "correct horse 9"
    migration = f"CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT '{key}' $$;\n"
    (tmp_path / "001_a.sql").write_text(f"{migration}CREATE ROLE pilot PASSWORD '{password}';\n", encoding="utf-8")
    said = pgcontract("verify", ".", "--report", "reports", "--format", "sarif")
    texts = [said.out, said.err, *(file.read_text("utf-8") for file in (tmp_path / "reports").rglob("*.*"))]
    assert any("(a secret key of Stripe)" in text for text in texts)
    assert not any(secret in text for text in texts for secret in (key, password))


def test_a_draft_of_a_script_that_holds_a_secret_is_what_the_script_makes(pgcontract: Command, tmp_path: Path) -> None:
    key = "sk_live_51Habcdefghijklmnopqrstuv"
    (tmp_path / "001_a.sql").write_text(f"CREATE TABLE a (id int PRIMARY KEY, t text DEFAULT '{key}');\n", "utf-8")
    pgcontract("draft", ".")
    said = pgcontract("verify", ".", "--only", "column.default")

    assert "BROKEN" not in said.out
    assert key in (tmp_path / "001_a.contract.toml").read_text("utf-8")


@pytest.fixture(scope="module")
def json_alone(tmp_path_factory: pytest.TempPathFactory, write_project: Callable[[Path], Path]) -> tuple[Said, float]:
    """What a process said that was asked for JSON on its standard output, and its CPU in milliseconds."""
    folder = tmp_path_factory.mktemp("alone")
    write_project(folder / "schema")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = command_in(folder)("verify", "schema", "--json", "-")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return said, (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


@pytest.fixture(scope="module")
def blocked(tmp_path_factory: pytest.TempPathFactory, write_project: Callable[[Path], Path]) -> tuple[Said, str]:
    """What a process said of a promise that is broken, and its run.json."""
    folder = tmp_path_factory.mktemp("blocked")
    break_promise(write_project(folder / "schema"))
    said = command_in(folder)("verify", "schema", "--format", "github", "--json", "run.json")
    return said, (folder / "run.json").read_text("utf-8")


def test_broken_promise_blocks(blocked: tuple[Said, str]) -> None:
    said, run = blocked
    broken = [finding["check"] for finding in json.loads(run)["findings"] if finding["status"] == "broken"]

    assert (1, "BLOCKED", ["column.default"]) == (said.code, decision(run), broken)


def test_annotations_name_the_line_of_the_broken_promise(blocked: tuple[Said, str]) -> None:
    assert f"::error file=schema/{CONTRACT},line=8" in blocked[0].out


def test_open_promise_is_caution(pgcontract: Command, project: Path) -> None:
    leave_promise_open(project)
    result = pgcontract("verify", project, "--format", "json")

    assert (0, "CAUTION") == (result.code, decision(result.out))


@pytest.mark.parametrize(("words", "code"), [([], 0), (["--strict"], 1)], ids=["plain", "strict"])
def test_selection_is_caution_that_fails_only_under_strict(
    pgcontract: Command, project: Path, words: list[str], code: int
) -> None:
    result = pgcontract("verify", project, "--only", "column.*", "--format", "json", *words)

    assert (code, "CAUTION") == (result.code, decision(result.out))


def test_sql_that_the_server_refuses_is_a_finding(pgcontract: Command, tmp_path: Path) -> None:
    (tmp_path / "001_wrong.sql").write_text("CREATE TABLE t (a intger);\n", encoding="utf-8")
    result = pgcontract("verify", "001_wrong.sql", "--format", "json")
    broken = [finding["check"] for finding in json.loads(result.out)["findings"] if finding["status"] == "broken"]

    assert (1, "script.applies") == (result.code, broken[0])


def test_script_without_a_contract_can_be_clear(pgcontract: Command, tmp_path: Path) -> None:
    (tmp_path / "001_t.sql").write_text("CREATE TABLE IF NOT EXISTS t (a integer PRIMARY KEY);\n", encoding="utf-8")
    (tmp_path / "001_t.down.sql").write_text("DROP TABLE IF EXISTS t;\n", encoding="utf-8")
    result = pgcontract("verify", tmp_path, "--format", "json")

    assert (0, "CLEAR") == (result.code, decision(result.out))


def test_no_server_decides_what_text_can_and_is_incomplete(pgcontract: Command, project: Path) -> None:
    result = pgcontract("verify", project, "--pg", "none", "--format", "json")

    assert (3, "INCOMPLETE") == (result.code, decision(result.out))


def test_server_may_be_named_in_the_environment(pgcontract: Command, project: Path) -> None:
    result = pgcontract("verify", project, "--format", "json", PGCONTRACT_PG="none")

    assert decision(result.out) == "INCOMPLETE"


def test_json_goes_to_a_file_and_the_verdict_to_the_terminal(written: tuple[Said, Path]) -> None:
    said, folder = written
    run = (folder / "run.json").read_text("utf-8")

    assert (0, "CLEAR", True) == (said.code, decision(run), "CLEAR" in said.out)


def test_json_on_standard_output_stands_alone_there(json_alone: tuple[Said, float]) -> None:
    said, _ = json_alone

    assert ("CLEAR", True) == (decision(said.out), "CLEAR" in said.err)


def test_report_folder_gets_both_files_of_the_migration(written: tuple[Said, Path]) -> None:
    _, folder = written
    actual = sorted(path.name for path in (folder / "deep/reports/001_note").iterdir())

    assert [".pgcontract.json", "deployment.html", "deployment.md", "run.json"] == actual


def test_report_is_made_again_from_the_run_alone(pgcontract: Command, written: tuple[Said, Path]) -> None:
    folder = written[1] / "deep/reports/001_note"
    result = pgcontract("report", folder / "run.json")

    assert (folder / "deployment.md").read_text("utf-8") == result.out


def test_first_screen_is_where_the_report_begins(pgcontract: Command, written: tuple[Said, Path]) -> None:
    result = pgcontract("report", "--first-screen", written[1] / "deep/reports/001_note/run.json")

    assert (0, True) == (result.code, "CLEAR" in result.out)


def with_a_check(project: Path, body: str, *arguments: str) -> Said:
    """The command with one check more, `bug.ours`."""
    lines = (
        "from pgcontract import check",
        "words = 'Fails.\\n\\nWhy it matters: so.\\nHow it is measured: so.\\nWhat to do: nothing.'",
        "@check('bug.ours', subjects=lambda promise: ['script'], explanation=words)",
        f"def fail(context):\n{body}",
        "from pgcontract.cli import main",
        "main()",
    )
    return command_in(project.parent, "-c", "\n".join(lines))(*arguments)


def test_ctrl_c_ends_the_run_though_cleaning_up_behind_it_meets_an_error(project: Path) -> None:
    body = """
    with context.clone(context.before_state) as connection:
        try:
            connection.pgconn.send_query(b"SELECT pg_sleep(20)")
            raise KeyboardInterrupt
        finally:
            connection.execute("SELECT 1")  # another command is in progress
"""
    result = with_a_check(project, body, "verify", str(project), "--only", "bug.ours")

    assert (130, "") == (result.code, result.out)


@pytest.mark.parametrize(("broken", "verdict"), [(False, "INCOMPLETE"), (True, "BLOCKED")], ids=["kept", "broken"])
def test_failure_of_a_check_of_ours_is_exit_code_4_with_the_run_written(
    pgcontract: Command, project: Path, broken: bool, verdict: str
) -> None:
    if broken:
        break_promise(project)
    selection = ("--only", "bug.ours", "--only", "column.default")
    result = with_a_check(project, " raise KeyError('nothing')", "verify", str(project), *selection, "--format", "json")
    (project.parent / "run.json").write_text(result.out, "utf-8")
    again = pgcontract("report", "--first-screen", "run.json")
    told = "a bug of pgcontract, not of the migration: bug.ours[script] could not finish."

    assert (4, verdict, True, 4, True) == (
        result.code,
        decision(result.out),
        told in result.err,
        again.code,
        told in again.out,
    )


def test_the_cost_is_that_of_the_whole_process(json_alone: tuple[Said, float]) -> None:
    said, used_ms = json_alone
    told_ms = sum(phase["cpu_ms"] for phase in json.loads(said.out)["phases"])

    # The page and the end of Python come after it was told, and ticks are of 10 ms.
    assert 0.7 < told_ms / used_ms < 1.1
