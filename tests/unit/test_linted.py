"""`--with squawk` names on the terminal what it added, and is one error where squawk is not installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from command import Command
from written_files import write_files

FILES = {"m/1_a.sql": "CREATE TABLE public.kites (id integer PRIMARY KEY);", "m/2_b.sql": "DROP TABLE public.kites;"}


def test_what_squawk_says_is_named_where_it_is_asked(pgcontract: Command, tmp_path: Path) -> None:
    write_files(tmp_path, FILES)
    asked, not_asked = pgcontract("verify", "m", "--with", "squawk"), pgcontract("verify", "m")

    assert ("squawk ban-drop-table" in asked.out, "squawk" in not_asked.out) == (True, False)


def test_a_linter_that_is_not_installed_is_one_error(
    pgcontract: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path, FILES)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    said = pgcontract("verify", "m", "--with", "squawk", PATH=str(tmp_path))

    assert (2, "error: --with squawk: there is no program squawk here; pip install squawk-cli installs it\n") == (
        said.code,
        said.err,
    )
