"""Schemas and functions of a platform or an extension that this server has not, and what has them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

import psycopg

from pgcontract.postgres.extension_functions import EXTENSION_OF
from pgcontract.postgres.platform import Platform

_SUPABASE: Final = "Supabase has it"
_SWITCHED_ON: Final = "a Supabase project has it once {} is switched on"
_OF_EXTENSION: Final = "the extension {} brings it"
_SCHEMAS: Final = {
    "net": _SWITCHED_ON.format("pg_net"),
    "cron": _OF_EXTENSION.format("pg_cron"),
    "pgmq": _OF_EXTENSION.format("pgmq"),
    "pgmq_public": _SWITCHED_ON.format("pgmq"),
    "vault": _SUPABASE,
    "extensions": _SUPABASE,
    "storage": _SUPABASE,
    "auth": _SUPABASE,
    "realtime": _SUPABASE,
    "graphql": _SUPABASE,
    "graphql_public": _SUPABASE,
    "supabase_functions": _SWITCHED_ON.format("a database webhook"),
    "pgsodium": _OF_EXTENSION.format("pgsodium"),
    "pgtle": _OF_EXTENSION.format("pg_tle"),
    "partman": _OF_EXTENSION.format("pg_partman"),
    "topology": _OF_EXTENSION.format("postgis_topology"),
    "tiger": _OF_EXTENSION.format("postgis_tiger_geocoder"),
    "timescaledb_information": _OF_EXTENSION.format("timescaledb"),
    "ag_catalog": _OF_EXTENSION.format("age"),
    "hint_plan": _OF_EXTENSION.format("pg_hint_plan"),
    "repack": _OF_EXTENSION.format("pg_repack"),
    "anon": _OF_EXTENSION.format("anon"),
    "aws_s3": _OF_EXTENSION.format("aws_s3"),
    "aws_lambda": _OF_EXTENSION.format("aws_lambda"),
}
_AVAILABLE: Final = "SELECT FROM pg_catalog.pg_available_extensions WHERE name = %s"
_INSTALLED: Final = "SELECT FROM pg_catalog.pg_extension WHERE extname = %s"

# Of what stands in for a platform's or an extension's too: its names are the real ones.
_NAMES: Final = """
SELECT p.proname FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
 WHERE n.nspname = %s
 UNION
SELECT c.relname FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'v', 'm')
 ORDER BY 1
"""
PLATFORM_CUTOFF: Final = 0.94


def lacking_schema(connection: psycopg.Connection, name: tuple[str, str], platform: Platform) -> tuple[str, str] | None:
    """What is lacking, and what has it, for a name that the server does not know; None where it should."""
    schema, bare = name
    if schema and _is_there([name for (name,) in connection.execute(_NAMES, [schema, schema])], bare):
        return None
    if schema:
        is_elsewhere = schema in platform.owned_names or _is_absent(connection, schema)
        known = _SCHEMAS.get(schema) or (_SUPABASE if schema in platform.owned_names else None)
        return (f"{schema}.{bare}", known) if is_elsewhere and known else None
    if bare in _SCHEMAS and _is_absent(connection, bare):
        return bare, _SCHEMAS[bare]
    extension = EXTENSION_OF.get(bare)  # whichever schema it was put into
    if extension and connection.execute(_AVAILABLE, [extension]).fetchone() is None:
        return f"{bare}()", _OF_EXTENSION.format(extension)
    if bare.startswith("st_") and connection.execute(_AVAILABLE, ["postgis"]).fetchone() is None:
        return f"{bare}()", _OF_EXTENSION.format("postgis")
    # No migration makes it, for it takes a superuser.
    if bare.startswith("dblink") and connection.execute(_INSTALLED, ["dblink"]).fetchone() is None:
        return f"{bare}()", _OF_EXTENSION.format("dblink")
    return None


def _is_absent(connection: psycopg.Connection, schema: str) -> bool:
    row = connection.execute("SELECT pg_catalog.to_regnamespace(%s) IS NULL", [f'"{schema}"']).fetchone()
    return row == (True,)


def _is_there(names: Sequence[str], bare: str) -> bool:
    """Whether the schema here has it, for other arguments or but for a slip."""
    return bare in names or nearest_name(names, bare) is not None


def nearest_name(names: Sequence[str], bare: str, cutoff: float = PLATFORM_CUTOFF) -> str | None:
    """The other name that it is a slip of; uuid_generate_v7 is none of v4."""
    letters = re.sub(r"\d", "", bare)
    near = [f"{bare}s", bare.removesuffix("s"), *get_close_matches(bare, names, 1, cutoff)]
    return next((name for name in near if name in names and name != bare and letters != re.sub(r"\d", "", name)), None)
