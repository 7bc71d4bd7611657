"""What another program may import of pgcontract, and what importing it costs."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields

import pgcontract
import pytest

NAMES = [
    "API_VERSION", "Answer", "Context", "ContractError", "Decision", "Evidence", "Execution", "Finding", "Folder",
    "FolderOptions", "FolderReading", "Format", "InputError", "KnownValue", "Layout", "Migration", "Origin",
    "PgcontractError", "Probe", "Project", "Promise", "Provider", "Run", "RunOptions", "Schema", "ScratchDatabase",
    "ScratchDatabases", "Server", "ServerUnavailable", "Severity", "Status", "TextFormat", "TransactionScope", "Verdict",
    "check", "format_parameter", "load_project", "provider_for", "value_format", "verify",
]  # fmt: skip
SIGNATURES: dict[Callable[..., object], str] = {
    pgcontract.verify: "(project: 'Project', options: 'RunOptions' = RunOptions(through=None, only=(), skip=(), "
    "seed=None, examples=200, rows=None, timeout_ms=120000, strict=False, linters=()), *, "
    "notify: 'Callable[[ProgressEvent], None] | None' = None) -> 'Run'",
    pgcontract.load_project: "(path: 'Path | str', *, contract: 'Path | str | None' = None, "
    "options: 'FolderOptions | None' = None) -> 'Project'",
}
OPTIONS = {
    "pg": "auto",
    "pg_run_as": None,
    "through": None,
    "only": (),
    "skip": (),
    "seed": None,
    "examples": 200,
    "rows": None,
    "timeout_ms": 120_000,
    "strict": False,
    "linters": (),
}


def test_public_names_are_these() -> None:
    assert NAMES == pgcontract.__all__


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_can_be_had_and_says_what_it_is(name: str) -> None:
    assert inspect.getdoc(getattr(pgcontract, name))


@pytest.mark.parametrize(("function", "signature"), SIGNATURES.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_public_functions_are_called_like_this(function: Callable[..., object], signature: str) -> None:
    assert signature == str(inspect.signature(function))


def test_options_of_a_run_are_these() -> None:
    assert OPTIONS == {field.name: field.default for field in fields(pgcontract.RunOptions)}


def test_a_password_in_the_options_is_not_printed() -> None:
    assert "secret" not in repr(pgcontract.RunOptions(pg="dsn:postgres://me:secret@host/db"))


def test_a_name_that_is_to_go_says_what_takes_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pgcontract, "_DEPRECATED", {"judge": "verify"})
    with pytest.warns(DeprecationWarning, match=r"pgcontract\.judge will go: use pgcontract\.verify"):
        function = pgcontract.judge

    assert pgcontract.verify is function


def test_a_name_that_is_not_public_is_refused() -> None:
    with pytest.raises(AttributeError, match="module 'pgcontract' has no attribute 'runner_of_all'"):
        pgcontract.runner_of_all  # noqa: B018


def test_importing_it_loads_nothing_that_takes_time() -> None:
    program = "import sys, pgcontract; print(*sorted(name for name in sys.modules if name.startswith('pgcontract')))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=True).stdout

    assert ["pgcontract"] == loaded.split()
