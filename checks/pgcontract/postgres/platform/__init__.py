"""The roles, schemas and default privileges that exist before the first migration, per platform."""

from __future__ import annotations

from importlib.resources import files

from pgcontract.model.qualified_name import split_name
from pgcontract.model.sql import Script
from pgcontract.postgres.platform.owned_names import SUPABASE_NAMES
from pgcontract.values import dataclass

MIGRATOR = "postgres"


@dataclass(frozen=True, kw_only=True)
class PlatformRole:
    """A role that production has: its attributes as CREATE ROLE spells them, the roles it is in, its search_path."""

    name: str
    attributes: tuple[str, ...] = ()
    member_of: tuple[str, ...] = ()
    search_path: str | None = None


@dataclass(frozen=True, kw_only=True)
class GrantRegime:
    """One set of default privileges that production may have; `database_sql` sets it up in a new database.

    That SQL may be run again, leaves what it finds, and does without the roles that are not there. The name of the
    role that migrates is in the setting `pgcontract.migrator`.
    """

    name: str
    description: str
    database_sql: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Platform:
    """A platform: its migrating role, other roles and grant regimes; shape is compared under the first.

    `service_roles` are those of its services, on which nothing here depends: they are made where the server is the run's
    own. `setup` is what an owner has run on top of it. `owned_names` are the schemas and roles that are the platform's,
    whether they are here or not.
    """

    name: str
    migrator: PlatformRole
    roles: tuple[PlatformRole, ...] = ()
    service_roles: tuple[PlatformRole, ...] = ()
    regimes: tuple[GrantRegime, ...]
    setup: Script | None = None
    owned_names: frozenset[str] = frozenset()

    def owns_table(self, name: str) -> bool:
        """Whether a table that is there before the first migration, by its qualified name, is the platform's."""
        return split_name(name)[0][0] in self.owned_names


def platform_of(name: str, *, setup: Script | None = None, has_webhooks: bool = False) -> Platform:
    """The platform `supabase` or plain `postgres`, and what is set up on it before the first migration. It `has_webhooks`
    where Supabase's Database Webhooks are switched on."""
    if name == "supabase":
        database = (_sql("supabase_database"), *((_sql("supabase_webhooks"),) if has_webhooks else ()))
        return Platform(
            name=name,
            migrator=PlatformRole(
                name=MIGRATOR,
                attributes=("LOGIN", "CREATEDB", "CREATEROLE", "REPLICATION", "BYPASSRLS"),
                member_of=_API_ROLES,
                search_path='"$user", public, extensions',
            ),
            roles=(
                PlatformRole(name="anon"),
                PlatformRole(name="authenticated"),
                PlatformRole(name="service_role", attributes=("BYPASSRLS",)),
                PlatformRole(name="authenticator", attributes=("LOGIN", "NOINHERIT"), member_of=_API_ROLES),
            ),
            # Without the attributes that they have there: nobody here is to act as one of them.
            service_roles=tuple(
                PlatformRole(name=name, attributes=("NOINHERIT",))
                for name in (
                    "supabase_auth_admin",
                    "supabase_storage_admin",
                    "supabase_realtime_admin",
                    "supabase_replication_admin",
                    "supabase_read_only_user",
                    "dashboard_user",
                )
            ),
            regimes=(
                GrantRegime(
                    name="since", description="since 2026-05-30", database_sql=(*database, _sql("supabase_since"))
                ),
                GrantRegime(name="before", description="before 2026-05-30", database_sql=database),
            ),
            setup=setup,
            owned_names=SUPABASE_NAMES,
        )
    return Platform(
        name=name,
        migrator=PlatformRole(name=MIGRATOR, attributes=("LOGIN", "CREATEDB", "CREATEROLE")),
        regimes=(GrantRegime(name="plain", description="PostgreSQL's own defaults"),),
        setup=setup,
    )


_API_ROLES = ("anon", "authenticated", "service_role")


def _sql(name: str) -> str:
    return files(__package__).joinpath(f"{name}.sql").read_text("utf-8")
