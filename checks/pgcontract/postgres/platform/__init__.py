"""The roles, schemas and default privileges that stand before the first migration, per platform."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

MIGRATOR = "postgres"


@dataclass(frozen=True, kw_only=True)
class StageRole:
    """A role that production has: its attributes as CREATE ROLE spells them, the roles it is in, its search_path."""

    name: str
    attributes: tuple[str, ...] = ()
    member_of: tuple[str, ...] = ()
    search_path: str | None = None


@dataclass(frozen=True, kw_only=True)
class Regime:
    """One set of default privileges that production may have; `database_sql` makes it in a new database.

    That SQL may be run again, leaves what it finds, and does without the roles that are not there. The name of the
    role that migrates is in the setting `pgcontract.migrator`.
    """

    name: str
    told: str
    database_sql: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A platform: who migrates, the roles there besides, and its regimes; shape is compared under the first of these."""

    platform: str
    migrator: StageRole
    roles: tuple[StageRole, ...] = ()
    regimes: tuple[Regime, ...]


def stage_of(platform: str) -> Stage:
    """The stage of `supabase` or of plain `postgres`."""
    if platform == "supabase":
        database = _sql("supabase_database")
        return Stage(
            platform=platform,
            migrator=StageRole(
                name=MIGRATOR,
                attributes=("LOGIN", "CREATEDB", "CREATEROLE", "REPLICATION", "BYPASSRLS"),
                member_of=_API_ROLES,
                search_path='"$user", public, extensions',
            ),
            roles=(
                StageRole(name="anon"),
                StageRole(name="authenticated"),
                StageRole(name="service_role", attributes=("BYPASSRLS",)),
                StageRole(name="authenticator", attributes=("LOGIN", "NOINHERIT"), member_of=_API_ROLES),
            ),
            regimes=(
                Regime(name="since", told="since 2026-05-30", database_sql=(database, _sql("supabase_since"))),
                Regime(name="before", told="before 2026-05-30", database_sql=(database,)),
            ),
        )
    return Stage(
        platform=platform,
        migrator=StageRole(name=MIGRATOR, attributes=("LOGIN", "CREATEDB", "CREATEROLE")),
        regimes=(Regime(name="plain", told="PostgreSQL's own defaults"),),
    )


_API_ROLES = ("anon", "authenticated", "service_role")


def _sql(name: str) -> str:
    return files(__package__).joinpath(f"{name}.sql").read_text("utf-8")
