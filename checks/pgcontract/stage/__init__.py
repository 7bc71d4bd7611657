"""The roles, schemas and default privileges that stand before the first migration, per platform, as SQL."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

MIGRATOR = "postgres"


@dataclass(frozen=True, kw_only=True)
class Regime:
    """One set of default privileges that production may have; `database_sql` makes it in a new database."""

    name: str
    told: str
    database_sql: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A platform: SQL for the cluster, and its regimes, the first of which is the one shape is compared under."""

    platform: str
    cluster_sql: str
    regimes: tuple[Regime, ...]


def stage_of(platform: str) -> Stage:
    """The stage of `supabase` or of plain `postgres`."""
    if platform == "supabase":
        database = _sql("supabase_database")
        return Stage(
            platform=platform,
            cluster_sql=_sql("supabase_cluster"),
            regimes=(
                Regime(name="since", told="since 2026-05-30", database_sql=(database, _sql("supabase_since"))),
                Regime(name="before", told="before 2026-05-30", database_sql=(database,)),
            ),
        )
    return Stage(
        platform=platform,
        cluster_sql=_sql("postgres_cluster"),
        regimes=(Regime(name="plain", told="PostgreSQL's own defaults"),),
    )


def _sql(name: str) -> str:
    return files(__package__).joinpath(f"{name}.sql").read_text("utf-8")
