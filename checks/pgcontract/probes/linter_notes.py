"""What another program says of a script, by its own names. It reads the text alone, on standard input."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from pgcontract.errors import InputError
from pgcontract.model.linters import LINTERS
from pgcontract.model.sql import Script, place
from pgcontract.model.sql.transactions import transaction_numbers
from pgcontract.values import dataclass

_TIMEOUT_S: Final = 60


@dataclass(frozen=True, kw_only=True)
class LinterNote:
    """One thing that it says: its own name for the rule, its words, and where in the file."""

    rule: str
    message: str
    path: str
    line: int


@dataclass(frozen=True, kw_only=True)
class LinterAnswer:
    """`version` is what the program calls itself."""

    version: str
    notes: tuple[LinterNote, ...]


def find_linter(name: str) -> str:
    """The path of the program, on PATH or beside this Python. Raises InputError where it is not installed."""
    program = shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))
    if program is None:
        raise InputError(f"--with {name}: there is no program {name} here; {LINTERS[name]} installs it")
    return program


def ask_squawk(script: Script, major: int | None) -> LinterAnswer:
    """For production's major version, where that is known. Raises InputError where it is not installed, or does not
    answer as it does today."""
    program = find_linter("squawk")
    version = _run([program, "--version"], "").strip()
    options = ["--reporter", "json", *([f"--pg-version={major}.0"] if major else [])]
    if len(set(transaction_numbers(script))) == 1:
        options.append("--assume-in-transaction")
    said = _run([program, *options], script.text)
    try:
        entries: list[dict[str, Any]] = json.loads(said)
        notes = tuple(_note(script, entry) for entry in entries)
    except (ValueError, KeyError, TypeError):
        raise InputError(f"--with squawk: {version} gives an answer that is not understood; leave it out") from None
    return LinterAnswer(version=version, notes=notes)


def _note(script: Script, entry: dict[str, Any]) -> LinterNote:
    number = min(int(entry["line"]), len(script.line_starts) - 1)  # it counts lines from 0
    at = place(script, script.line_starts[number])
    words = " ".join(str(entry[key]) for key in ("message", "help") if entry.get(key))
    return LinterNote(rule=str(entry["rule_name"]), message=words, path=at.path, line=at.line)


def _run(command: list[str], text: str) -> str:
    try:
        ran = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"--with squawk: it cannot be run: {error}") from None
    return ran.stdout
