"""The schemas and roles that belong to a platform, made by it or by what its owner switches on: a script that needs
something of one that is not here has not failed, it could not be asked."""

from __future__ import annotations

from typing import Final

SUPABASE_SCHEMAS: Final = frozenset(
    {
        "_analytics",
        "_realtime",
        "_supavisor",
        "auth",
        "cron",
        "extensions",
        "graphql",
        "graphql_public",
        "net",
        "pgbouncer",
        "pgmq",
        "pgmq_public",
        "pgsodium",
        "pgsodium_masks",
        "pgtle",
        "realtime",
        "storage",
        "supabase_functions",
        "supabase_migrations",
        "vault",
    }
)
SUPABASE_ROLES: Final = frozenset(
    {
        "anon",
        "authenticated",
        "authenticator",
        "cli_login_postgres",
        "dashboard_user",
        "pgbouncer",
        "pgsodium_keyholder",
        "pgsodium_keyiduser",
        "pgsodium_keymaker",
        "pgtle_admin",
        "service_role",
        "supabase_admin",
        "supabase_auth_admin",
        "supabase_etl_admin",
        "supabase_functions_admin",
        "supabase_privileged_role",
        "supabase_read_only_user",
        "supabase_realtime_admin",
        "supabase_replication_admin",
        "supabase_storage_admin",
    }
)
SUPABASE_NAMES: Final = SUPABASE_SCHEMAS | SUPABASE_ROLES
