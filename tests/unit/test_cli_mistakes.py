"""A mistake gives exit code 2 and one message that says what to do; a bug of ours gives 4. No traceback unasked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from command import Command, Said, command_in

MISTAKES = {
    "unknown command": (["verfy"], "no such command 'verfy'; did you mean 'verify'?"),
    "unknown option": (["verify", "--strct"], "'--strict'"),
    "unknown format": (["verify", "--format", "xml"], "'github', 'gitlab', 'html'"),
    "unknown check": (["explain", "column.typ"], "did you mean 'column.type'?"),
    "unknown check of a selection": (["verify", "schema", "--only", "colum.*"], "colum.*"),
    "unknown migration": (["verify", "schema", "--through", "021"], "021"),
    "unknown server": (["verify", "schema", "--pg", "weel"], "did you mean 'wheel'?"),
    "time that is none": (["verify", "schema", "--timeout", "soon"], "--timeout takes a time such as 90, 90s, 2m or"),
    "no time at all": (["verify", "schema", "--timeout", "0"], "--timeout takes from 1ms to 24h"),
    "missing path": (["verify", "nowhere"], "nowhere: there is no such file or folder"),
    "a path too long": (["config", "x" * 300], "cannot be read: File name too long"),
    "empty folder": (["verify", "empty"], "empty: holds no migration"),
    "a file that is no migration": (["verify", "notes.txt"], "notes.txt: is no .sql file"),
    "binary file": (["verify", "binary.sql"], "binary.sql"),
    "another encoding": (["verify", "latin.sql"], "latin.sql:2"),
    "psql meta-command": (["verify", "include.sql"], "include.sql:2"),
    "report folder that is a file": (["verify", "schema", "--report", "notes.txt"], "report folder notes.txt"),
    "report folder without a name": (["verify", "schema", "--report", ""], "'--report': an empty text, as of a variable"),
    "JSON file in no folder": (["verify", "schema", "--json", "notes.txt/run.json"], "folder of the JSON file"),
    "JSON file that is a folder": (["verify", "schema", "--json", "empty"], "empty is a folder"),
    "JSON file that is a link": (["verify", "schema", "--json", "link.json"], "link.json is a symbolic link"),
    "report folder behind a link": (["verify", "schema", "--report", "dangling"], "report folder dangling"),
    "no SQL at all": (["verify", "secret.sql"], "secret.sql:1: is no SQL"),
    "doctor of no folder": (["doctor", "nowhere"], "nowhere: there is no such file or folder"),
    "doctor of an unknown server": (["doctor", "--pg", "weel"], "did you mean 'wheel'?"),
    "missing run.json": (["report", "nowhere.json"], "nowhere.json: cannot be read"),
    "run.json that is none": (["report", "notes.txt"], "not a run.json"),
}


@pytest.fixture
def room(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A folder with one of each of the files that nobody should hand in."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("words", encoding="utf-8")
    (tmp_path / "link.json").symlink_to("notes.txt")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "secret.sql").write_text("password=hunter2\n", encoding="utf-8")
    (tmp_path / "binary.sql").write_bytes(b"\x7fELF\x00\x00\x01")
    (tmp_path / "latin.sql").write_bytes("SELECT 1;\nSELECT 'Zo\u00eb';\n".encode("latin-1"))
    (tmp_path / "include.sql").write_text("SELECT 1;\n\\i other.sql\n", encoding="utf-8")
    if "default" not in request.node.name:
        request.getfixturevalue("project")
    return tmp_path


@pytest.mark.usefixtures("room")
@pytest.mark.parametrize(("arguments", "message"), MISTAKES.values(), ids=MISTAKES)
def test_mistake_is_told_in_one_message(pgcontract: Command, arguments: list[str], message: str) -> None:
    result = pgcontract(*arguments)

    assert (2, "", True, True, 1) == (
        result.code,
        result.out,
        result.err.startswith("error: "),
        message in result.err,
        result.err.count("\n"),
    ), result


def test_debug_shows_the_traceback_of_a_mistake(process: Command) -> None:
    result = process("verify", "nowhere", PGCONTRACT_DEBUG="1")

    assert ("Traceback", process("verify", "nowhere").err) == (result.err[:9], result.err.splitlines(True)[-1])


@pytest.fixture
def broken(tmp_path: Path) -> Command:
    """The command with a bug of ours in it: loading fails in a way nobody foresaw."""
    lines = (
        "from pgcontract import contract",
        "contract.load_project = lambda *_, **__: {}['nothing']",
        "from pgcontract.cli import main",
        "main()",
    )
    return command_in(tmp_path, "-c", "\n".join(lines))


def test_bug_of_ours_is_named_as_one_in_one_line(broken: Command) -> None:
    expected = Said(
        code=4,
        out="",
        err="error: a bug of pgcontract, not of the migration: KeyError: 'nothing'. "
        "PGCONTRACT_DEBUG=1 shows the traceback; please report it.\n",
    )

    assert expected == broken("verify", ".")


@pytest.mark.parametrize(
    "arguments", [["doctor"], ["list"], ["verify", "1.sql", "--pg", "none"]], ids=lambda words: words[0]
)
def test_full_disk_is_no_bug_of_ours(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "1.sql").write_text("SELECT 1;", encoding="utf-8")
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        result = subprocess.run(
            [sys.executable, "-m", "pgcontract", *arguments],
            stdout=full, stderr=subprocess.PIPE, text=True, cwd=tmp_path, check=False,
        )  # fmt: skip
    expected = "error: what is said cannot be written: No space left on device. Make room there, or write it elsewhere.\n"

    assert (3, expected) == (result.returncode, result.stderr)


def test_debug_shows_the_traceback_of_a_bug(broken: Command) -> None:
    assert broken("verify", ".", PGCONTRACT_DEBUG="1").err.startswith("Traceback")
