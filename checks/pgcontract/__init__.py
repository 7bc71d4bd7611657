"""pgcontract: a migration's promises, declared, checked against a real PostgreSQL, reported with evidence.

This is the public API, all of it; what is imported from anywhere else in the package may change without a word.

    run = pgcontract.verify(pgcontract.load_project("schema"), pgcontract.RunOptions(pg="17"))
    assert run.verdict.decision is pgcontract.Decision.CLEAR

API_VERSION grows when a name goes or means something else; one that is to go warns first, with what takes its place.
docs/own-rules.md says what a plug-in needs of it.

Nothing is imported before it is used: every pytest of an environment that has pgcontract imports this module.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pgcontract.contract import FolderOptions, Migration, Project, load_project
    from pgcontract.contract.layouts import Layout
    from pgcontract.contract.migration_folder import Folder, FolderReading
    from pgcontract.errors import ContractError, InputError, PgcontractError, ServerUnavailable
    from pgcontract.formats.oracle import Format, KnownValue
    from pgcontract.formats.oracle import Texts as TextFormat
    from pgcontract.formats.oracle import declare as value_format
    from pgcontract.formats.oracle import parameter as format_parameter
    from pgcontract.model.schema import Origin, Schema
    from pgcontract.model.sql import Execution, TransactionScope
    from pgcontract.plugins import API_VERSION
    from pgcontract.postgres.providers import Probe, Provider, Server, provider_for
    from pgcontract.probes.context import Context
    from pgcontract.probes.promise import Promise
    from pgcontract.result import Decision, Evidence, Finding, Run, RunOptions, Severity, Status, Verdict
    from pgcontract.rules.answer import Answer
    from pgcontract.rules.registry import check
    from pgcontract.runner import verify
    from pgcontract.runner.scratch_database import ScratchDatabase
    from pgcontract.runner.scratch_databases import ScratchDatabases

__all__ = [
    "API_VERSION",
    "Answer",
    "Context",
    "ContractError",
    "Decision",
    "Evidence",
    "Execution",
    "Finding",
    "Folder",
    "FolderOptions",
    "FolderReading",
    "Format",
    "InputError",
    "KnownValue",
    "Layout",
    "Migration",
    "Origin",
    "PgcontractError",
    "Probe",
    "Project",
    "Promise",
    "Provider",
    "Run",
    "RunOptions",
    "Schema",
    "ScratchDatabase",
    "ScratchDatabases",
    "Server",
    "ServerUnavailable",
    "Severity",
    "Status",
    "TextFormat",
    "TransactionScope",
    "Verdict",
    "check",
    "format_parameter",
    "load_project",
    "provider_for",
    "value_format",
    "verify",
]

_HOMES: Final = {
    "pgcontract.contract": ("FolderOptions", "Migration", "Project", "load_project"),
    "pgcontract.contract.layouts": ("Layout",),
    "pgcontract.contract.migration_folder": ("Folder", "FolderReading"),
    "pgcontract.errors": ("ContractError", "InputError", "PgcontractError", "ServerUnavailable"),
    "pgcontract.formats.oracle": ("Format", "KnownValue", "TextFormat", "format_parameter", "value_format"),
    "pgcontract.model.schema": ("Origin", "Schema"),
    "pgcontract.model.sql": ("Execution", "TransactionScope"),
    "pgcontract.plugins": ("API_VERSION",),
    "pgcontract.postgres.providers": ("Probe", "Provider", "Server", "provider_for"),
    "pgcontract.probes.context": ("Context",),
    "pgcontract.probes.promise": ("Promise",),
    "pgcontract.result": ("Decision", "Evidence", "Finding", "Run", "RunOptions", "Severity", "Status", "Verdict"),
    "pgcontract.rules.answer": ("Answer",),
    "pgcontract.rules.registry": ("check",),
    "pgcontract.runner": ("verify",),
    "pgcontract.runner.scratch_database": ("ScratchDatabase",),
    "pgcontract.runner.scratch_databases": ("ScratchDatabases",),
}
# What is called otherwise inside.
_INSIDE: Final = {"TextFormat": "Texts", "format_parameter": "parameter", "value_format": "declare"}
# What takes the place of a name that is to go, by that name.
_DEPRECATED: Mapping[str, str] = {}


def __getattr__(name: str) -> object:
    if name in _DEPRECATED:
        public = _DEPRECATED[name]
        warnings.warn(
            f"pgcontract.{name} will go: use pgcontract.{public}, which takes its place", DeprecationWarning, stacklevel=2
        )
        return __getattr__(public)
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(home), _INSIDE.get(name, name))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
