"""`pgcontract verify -` reads a script from standard input."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from case_tables import cases
from command import Said, command_here
from written_files import write_files


@dataclass(frozen=True, kw_only=True)
class Verified:
    """What a run says: exit code, decision, the summaries of what is broken, the first word of the mistake."""

    code: int
    decision: str = ""
    broken: tuple[str, ...] = ()
    mistake: str = ""


def verify(folder: Path, stdin: bytes | int, *words: str) -> Verified:
    """The command in that folder, with these bytes, or in a process with that open file, as its standard input."""
    arguments = ("verify", "-", "--format", "json", *words)
    if isinstance(stdin, bytes):
        with mock.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin))):
            return _verified(command_here(folder)(*arguments))
    command = [sys.executable, "-m", "pgcontract", *arguments]
    done = subprocess.run(command, cwd=folder, stdin=stdin, capture_output=True, encoding="utf-8", check=False)
    return _verified(Said(code=done.returncode, out=done.stdout, err=done.stderr))


def _verified(said: Said) -> Verified:
    if not said.out:
        return Verified(code=said.code, mistake=said.err.strip())
    run = json.loads(said.out)
    return Verified(
        code=said.code,
        decision=run["verdict"]["decision"],
        broken=tuple(
            f"{finding['check']} {(finding['origin'] or {}).get('file')}: {finding['summary']}"
            for finding in run["findings"]
            if finding["status"] == "broken"
        ),
    )


def test_script_is_verified_and_nothing_is_written(tmp_path: Path) -> None:
    script = b"\\set t kites\r\nCREATE TABLE :t (id int PRIMARY KEY);\r\nCOPY kites FROM stdin;\r\n1\r\n\\.\r\n"

    reading, writing = os.pipe()
    os.write(writing, script)
    os.close(writing)
    try:
        found = verify(tmp_path, reading)
    finally:
        os.close(reading)

    assert (Verified(code=0, decision="CLEAR"), []) == (found, list(tmp_path.iterdir()))


def test_refusal_names_standard_input(tmp_path: Path) -> None:
    expected = ("script.applies standard input: The server rejects the script: division by zero.",)

    assert expected == verify(tmp_path, b"SELECT 1;\nSELECT 1/0;", "--only", "script.applies").broken


@cases(("script", "words", "code"), {
    "a value": ("SELECT 1/:n;", ["--set", "n=1"], 0),
    "a file of the working folder": ("\\i parts/one.sql", [], 0),
    "a file outside of it": ("\\i ../outside.sql", [], 2),
    "goose's": ("-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 1/0;", ["--layout", "goose"], 0),
    "dbmate's": ("-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 1/0;", ["--layout", "dbmate"], 0),
    "Flyway's": ("SELECT 1;", ["--layout", "flyway"], 0),
    "one message": ("SELECT 1;", ["--layout", "flat"], 0),
    "a contract": ("SELECT 1;", ["--contract", "contract.toml"], 2),
})  # fmt: skip
def test_script_is_read_as_it_is_said(script: str, words: list[str], code: int, tmp_path: Path) -> None:
    write_files(tmp_path, {"in/parts/one.sql": "SELECT 1;", "outside.sql": "SELECT 1;"})

    assert code == verify(tmp_path / "in", script.encode(), "--only", "script.applies", *words).code


@cases(("stdin", "mistake"), {
    "empty": (b" \n", "error: standard input: is empty"),
    "binary": (b"\x7fELF\0\1", "error: standard input:1: a binary file"),
    "UTF-16": ("SELECT 1;".encode("utf-16"), "error: standard input:1: not UTF-8"),
    "a custom dump": (b"PGDMP\1\16", "error: standard input: is a dump in pg_dump's own format"),
    "no SQL": (b"password=hunter2\n", "error: standard input:1: is no SQL"),
    "a shell": (b"SELECT 1;\n\\! ls\n", "error: standard input:2: \\! leaves the script"),
})  # fmt: skip
def test_what_is_no_script_is_told_in_one_word(stdin: bytes, mistake: str, tmp_path: Path) -> None:
    found = verify(tmp_path, stdin)

    assert (2, True) == (found.code, found.mistake.startswith(mistake))


def test_terminal_is_not_read(tmp_path: Path) -> None:
    terminal, other_end = pty.openpty()
    try:
        found = verify(tmp_path, other_end)
    finally:
        os.close(terminal)
        os.close(other_end)

    assert (2, "error: - reads SQL from standard input, which is a terminal") == (
        found.code,
        found.mistake.partition(";")[0],
    )


def test_what_has_no_end_is_not_waited_for(tmp_path: Path) -> None:
    with Path("/dev/zero").open("rb") as zero:
        found = verify(tmp_path, zero.fileno())

    assert (2, "error: standard input:1: a binary file") == (found.code, found.mistake.partition(" file:")[0] + " file")


def test_script_is_judged_by_the_configuration_of_the_working_folder(tmp_path: Path) -> None:
    folder = write_files(tmp_path, {"pgcontract.toml": '[severity]\n"script.rerun" = "error"\n'})
    expected = Verified(
        code=1,
        decision="BLOCKED",
        broken=('script.rerun standard input: The second run fails: relation "a" already exists.',),
    )

    assert expected == verify(folder, b"CREATE TABLE a (id integer PRIMARY KEY);", "--only", "script.*")
