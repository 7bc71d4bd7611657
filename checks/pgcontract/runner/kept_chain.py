"""The chain before what is judged, kept from an earlier run: a server that holds what it came to.

Only what is the same to the byte is taken: the scripts, who runs them and how, the server's programs, this package's own
code, and the day, for a migration may have asked the clock. A chain in which something failed, or that makes roles, is
not kept.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from contextlib import ExitStack
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import accumulate
from typing import Final

from psycopg import sql
from pydantic import TypeAdapter, ValidationError

from pgcontract.contract import Migration
from pgcontract.errors import CouldNotAsk, ServerUnavailable
from pgcontract.model.sql import Script
from pgcontract.plugins import plugins
from pgcontract.postgres.connection import Connection
from pgcontract.postgres.platform import Platform
from pgcontract.postgres.providers import NO_SETTINGS, PreparedState, Server
from pgcontract.postgres.sandbox import Sandbox
from pgcontract.probes.populated.population import MAX_TABLES, needed_words, words_of
from pgcontract.runner.plan import Plan
from pgcontract.runner.replay import AppliedChain, Replay, applied_length

_TABLE: Final = sql.SQL("pgcontract_applied")
_WORTH_KEEPING: Final = 10  # migrations: below that unpacking costs as much
_BYTES: Final = 200_000  # of one migration, in all the databases
_BYTES_OF_ALL: Final = 60_000_000
_LIBRARIES: Final = ("hypothesis", "idna", "psycopg", "pydantic", "sqlglot")  # whatever answers are made with
_SOURCES: Final = (".py", ".sql", ".toml", ".txt", ".json")


def kept_server(plan: Plan, server: Server, platform: Platform, stack: ExitStack) -> tuple[Server, AppliedChain] | None:
    """A server like this one that holds the chain, from the cache or made now and kept; it ends with the stack. None
    where it is not worth it, or cannot be."""
    number = applied_length(plan)
    if plan.project.scope is None or has_foreign_code() or number < _WORTH_KEEPING or platform.setup is not None:
        return None
    if plan.project.secrets:  # what a script does with them would stay on the disk
        return None
    if server.start_prepared is None or "own_server" not in server.capabilities:
        return None
    migrations = plan.project.chain[:number]
    state = PreparedState(
        key=chain_key(plan, migrations, platform),
        make=lambda fresh: _make(plan, migrations, platform, fresh),
        needed_bytes=lambda: _BYTES_OF_ALL + _BYTES * number,
    )
    own = ExitStack()
    try:
        prepared = own.enter_context(server.start_prepared(state, NO_SETTINGS))
        applied = _read(prepared)
    except (CouldNotAsk, ServerUnavailable, ValidationError):
        own.close()
        return None
    stack.push(own)
    return prepared, applied


def chain_key(plan: Plan, migrations: tuple[Migration, ...], platform: Platform) -> str:
    """A hash of all that the chain comes to depends on, but for the server's programs."""
    options = plan.options
    parts = (
        code_digest(),
        today(),
        (plan.project.platform, plan.project.postgres, plan.project.locale, options.seed, options.timeout_ms),
        (platform.migrator, platform.roles, platform.service_roles),
        [(regime.name, regime.database_sql) for regime in platform.regimes],
        [(migration.key, script_parts(migration.up)) for migration in migrations],
        [(migration.key, migration.up.path) for migration in migrations if migration.up.passages],
        sorted(chosen_words(plan)[len(migrations)]),
        contract_parts(plan) if any(migration.contract for migration in migrations) else (),  # rows take its samples
    )
    return hashlib.sha256(repr(parts).encode(errors="surrogatepass")).hexdigest()


def contract_parts(plan: Plan) -> list[tuple[object, ...]]:
    """What every contract of the project says, claims included: later ones take back, rename and claim."""
    contracts = [migration.contract for migration in plan.project.chain if migration.contract]
    return [(contract.path, [(file.path, file.sha256) for file in contract.files]) for contract in contracts]


def has_foreign_code() -> bool:
    """Whether a plug-in may take part in what is found: its code may be another tomorrow, under the same version."""
    return any(plugin.kind != "reports" for plugin in plugins())


def today() -> str:
    """The day, in UTC."""
    return dt.datetime.now(dt.UTC).date().isoformat()


def migration_parts(migration: Migration) -> tuple[object, ...]:
    """What answers about a migration and its files depend on, but for its contract."""
    remedies = migration.down_remedy, migration.outside_remedy, migration.whole_remedy
    scripts = [
        (script.path, script.sha256, script_parts(script), script.passages) if script else None
        for script in (migration.up, migration.down)
    ]
    return migration.key, migration.display_name, migration.file, remedies, scripts


def script_parts(script: Script) -> tuple[object, ...]:
    """What the server gets of a script, and how."""
    pieces = [(each.text, each.copy_rows, each.same_message) for each in script.statements]
    return script.text, script.execution, script.parsed, pieces


@cache
def code_digest() -> str:
    """A hash of this package's code, and of the versions of what it judges, draws values and asks servers with."""
    digest = hashlib.sha256(repr([version(name) for name in _LIBRARIES]).encode())
    for name, path in _sources(files("pgcontract"), ""):
        digest.update(f"{name}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def _sources(folder: Traversable, above: str) -> list[tuple[str, Traversable]]:
    found: list[tuple[str, Traversable]] = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir() and entry.name != "__pycache__":
            found += _sources(entry, f"{above}{entry.name}/")
        elif entry.name.endswith(_SOURCES):
            found.append((f"{above}{entry.name}", entry))
    return found


def chosen_words(plan: Plan) -> tuple[frozenset[str], ...]:
    """Of the first so many migrations, by their number: where there may be too many tables to make rows in all of them,
    the words by which they are chosen."""
    chain = plan.project.chain
    judged = [migration for migration in chain if plan.is_judged(migration)]
    tables = [*accumulate((migration.up.text.upper().count("TABLE") for migration in chain), initial=0)]
    needed = needed_words(plan.promises, judged) if tables[-1] > MAX_TABLES else frozenset()
    own = (needed & words_of(migration.up) for migration in chain)
    words = accumulate(own, frozenset.union, initial=frozenset[str]())
    return tuple(chosen if number > MAX_TABLES else frozenset() for number, chosen in zip(tables, words, strict=True))


def _make(plan: Plan, migrations: tuple[Migration, ...], platform: Platform, server: Server) -> None:
    """The chain on a fresh server, and a table that says where it is."""
    with Sandbox(server, platform, timeout_ms=plan.options.timeout_ms) as sandbox:
        replay = Replay(plan, sandbox)
        try:
            applied = replay.carry(migrations)
        finally:
            replay.close()
        kept = {*applied.databases.values(), applied.rows.database}
        made = sandbox.admin.execute(
            "SELECT datname FROM pg_catalog.pg_database WHERE datname LIKE 'pgcontract%' ORDER BY oid"
        ).fetchall()
        for (name,) in made:
            if name not in kept:
                sandbox.drop(name)
        sandbox.admin.execute(sql.SQL("CREATE TABLE {} (document text)").format(_TABLE))
        document = TypeAdapter(AppliedChain).dump_json(applied).decode()
        sandbox.admin.execute(sql.SQL("INSERT INTO {} VALUES ({})").format(_TABLE, sql.Literal(document)))


def _read(server: Server) -> AppliedChain:
    with Connection.connect(server.conninfo(dbname=server.maintenance_database), autocommit=True) as connection:
        row = connection.execute(sql.SQL("SELECT document FROM {}").format(_TABLE)).fetchone()
    assert row
    return TypeAdapter(AppliedChain).validate_json(row[0])
