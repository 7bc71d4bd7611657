"""pgcontract: a migration's promises, declared, checked against a real PostgreSQL, reported with evidence.

This is the public API, all of it; what is imported from anywhere else in the package may change without a word.

    run = pgcontract.verify(pgcontract.load_project("schema"), pgcontract.RunOptions(pg="17"))
    assert run.verdict.decision is pgcontract.Decision.CLEAR

Nothing is imported before it is used: every pytest of an environment that has pgcontract imports this module.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pgcontract.contract import FolderOptions, Project, load_project
    from pgcontract.errors import ContractError, InputError, PgcontractError, ServerUnavailable
    from pgcontract.result import Decision, Finding, Run, RunOptions, Severity, Status, Verdict
    from pgcontract.rules.answer import Answer
    from pgcontract.rules.registry import check
    from pgcontract.runner import verify
    from pgcontract.runner.scratch_database import ScratchDatabase
    from pgcontract.runner.scratch_databases import ScratchDatabases

__all__ = [
    "Answer",
    "ContractError",
    "Decision",
    "Finding",
    "FolderOptions",
    "InputError",
    "PgcontractError",
    "Project",
    "Run",
    "RunOptions",
    "ScratchDatabase",
    "ScratchDatabases",
    "ServerUnavailable",
    "Severity",
    "Status",
    "Verdict",
    "check",
    "load_project",
    "verify",
]

_HOMES: Final = {
    "pgcontract.contract": ("FolderOptions", "Project", "load_project"),
    "pgcontract.errors": ("ContractError", "InputError", "PgcontractError", "ServerUnavailable"),
    "pgcontract.result": ("Decision", "Finding", "Run", "RunOptions", "Severity", "Status", "Verdict"),
    "pgcontract.rules.answer": ("Answer",),
    "pgcontract.rules.registry": ("check",),
    "pgcontract.runner": ("verify",),
    "pgcontract.runner.scratch_database": ("ScratchDatabase",),
    "pgcontract.runner.scratch_databases": ("ScratchDatabases",),
}


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(home), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
