"""The pytest plugin: `pytest schema` collects each contract.toml of a project, one item per check and subject; and
fixtures give a test a migrated database of its own.

Every pytest that runs where pgcontract is installed loads this, so it imports nothing of the package until somebody
asks for a contract or a database.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from pgcontract.pytest_plugin.arguments import may_hold_promises, project_of
from pgcontract.pytest_plugin.fixtures import (
    FIXTURES,
    MARKER,
    as_role,
    pgcontract_database_at,
    pgcontract_databases,
    pgcontract_db,
)
from pgcontract.pytest_plugin.summary import VERDICT_PLUGIN, VerdictPlugin

# A plugin's fixtures are those that its module has.
__all__ = ["as_role", "pgcontract_database_at", "pgcontract_databases", "pgcontract_db"]


def pytest_addoption(parser: pytest.Parser) -> None:
    add = parser.getgroup("pgcontract", "pgcontract: check migrations against their contracts").addoption
    parser.addini("pgcontract_path", "the project that pgcontract's fixtures make databases of, below the root folder")
    add(
        "--pgcontract",
        action="store_true",
        help="collect the contracts of every project that is found, and ask a folder of migrations that is named and has "
        "none what `pgcontract verify` asks of it",
    )
    add(
        "--pgcontract-pg",
        metavar="SPEC",
        default=os.environ.get("PGCONTRACT_PG") or "auto",
        help="the server to use: auto, none, wheel, a major from 15 to 18, binaries[:DIR], docker[:IMAGE] or dsn:URL "
        "(default: $PGCONTRACT_PG, else auto)",
    )
    add(
        "--pgcontract-pg-run-as",
        metavar="LOGIN",
        default=os.environ.get("PGCONTRACT_PG_RUN_AS") or None,
        help="with dsn:URL, where its role may not make roles: the expendable login that migrations run as, by name or "
        "as a connection string (default: $PGCONTRACT_PG_RUN_AS)",
    )
    add("--pgcontract-layout", metavar="NAME", help="read the folder as this tool's, whatever it looks like")
    add(
        "--pgcontract-set",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="the value of a placeholder in the migrations, as Flyway and psql have them",
    )
    add(
        "--pgcontract-setup",
        metavar="FILE",
        help="SQL to run before the first migration: what the tool, or another team, makes; on a server of the run's own "
        "as a superuser",
    )
    add(
        "--pgcontract-stats",
        metavar="FILE",
        help="how many rows production has in its tables: what the SELECT of `pgcontract stats` prints there",
    )
    add("--pgcontract-applied", metavar="ID", help="the last migration that production has; those behind it are pending")
    add(
        "--pgcontract-history",
        metavar="SOURCE",
        default=os.environ.get("PGCONTRACT_HISTORY"),
        help="what production has, as the tool's own table says: FILE with what the SELECT of `pgcontract history` "
        "answers there, or dsn:URL (default: $PGCONTRACT_HISTORY)",
    )
    add(
        "--pgcontract-since",
        metavar="REF",
        help="judge whole what changed since git's REF, and all else as it stands at the head",
    )
    add(
        "--pgcontract-platform",
        choices=("postgres", "supabase"),
        help="whose roles, schemas and default privileges are there before the first migration",
    )
    add("--pgcontract-through", metavar="ID", help="stop the chain at this migration")
    add("--pgcontract-only", metavar="GLOB", action="append", default=[], help="run only matching checks")
    add("--pgcontract-skip", metavar="GLOB", action="append", default=[], help="leave out matching checks")
    add("--pgcontract-seed", metavar="N", type=int, help="seed of the random choices")
    add("--pgcontract-max-examples", metavar="N", type=int, help="how many random values to try for each promise")
    add("--pgcontract-rows", metavar="N", help="rows at the largest size to measure on: 500k, 1M")
    add(
        "--pgcontract-timeout",
        metavar="TIME",
        default=os.environ.get("PGCONTRACT_TIMEOUT") or "120s",
        help="the longest that one script or statement may take: 90, 90s, 2m, 500ms",
    )
    add("--pgcontract-report", metavar="DIR", help="write DIR/<migration>/deployment.md and run.json")
    add("--pgcontract-strict", action="store_true", help="fail for CAUTION too")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "pgcontract(path=None, at=None): a test that asks PostgreSQL through pgcontract; on one of yours, which project "
        "its database is made of, and through which migration",
    )
    config.pluginmanager.register(VerdictPlugin(config), VERDICT_PLUGIN)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A contract counts, and a script, where somebody asks for its project; any other is ignored."""
    if not may_hold_promises(file_path) or project_of(file_path, parent.config) is None:  # before anything is imported
        return None
    from pgcontract.pytest_plugin.collection import PromiseFile

    return PromiseFile.from_parent(parent, path=file_path)


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    for item in items:
        if FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(MARKER)
