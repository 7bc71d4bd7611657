"""What a server is too old for, or built without, is told by name; what no server has is the migration's fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import psycopg
import pytest
from obtaining import fetched
from pgcontract.model.sql import read_script
from pgcontract.postgres.builds import known_extensions
from pgcontract.postgres.missing_features import MissingFeature, find_missing_feature
from pgcontract.postgres.providers import provider_for
from pgcontract.postgres.providers.prebuilt import prebuilt
from pgcontract.postgres.script_execution import apply_script
from pgcontract.postgres.versions import KNOWN_MAJORS, VERSION_FEATURES

Ask = Callable[..., MissingFeature | None]

AN_IMAGE = "an image or a server that has it can: --pg docker:IMAGE, or --pg dsn:URL"
BUILT_WITHOUT = {
    "CREATE EXTENSION pgcrypto": "pgcrypto is not in this server's build; --pg 18 has it",
    'CREATE EXTENSION IF NOT EXISTS "uuid-ossp"': "uuid-ossp is not in this server's build; --pg 18 has it",
    "CREATE EXTENSION postgis": f"postgis is not in this server's build; {AN_IMAGE}",
    'CREATE EXTENSION "basejump-supabase_test_helpers"': (
        "basejump-supabase_test_helpers is called as dbdev's packages are, which are in no server's build; "
        "make it where tests alone need it, outside of the migrations; or --pg dsn:URL of one that has it"
    ),
    "CREATE EXTENSION plpython3u": f"plpython3u is not in this server's build; {AN_IMAGE}",
    "CREATE TABLE t (a int); ALTER TABLE t SET TABLESPACE fast": (
        "the tablespace fast is a folder of production's own machine, which this server does not have; "
        "--pg dsn:URL of a server that has one of that name"
    ),
    "CREATE COLLATION german (provider = icu, locale = 'de')": "ICU is not in this server's build; --pg 18 has it",
    'CREATE TABLE t (a text COLLATE "de-AT-x-icu")': (
        "the collation de-AT-x-icu is ICU's, which is not in this server's build; --pg 18 has it"
    ),
    "CREATE TABLE t (a text COMPRESSION lz4)": (
        "lz4 is not in this server's build; the packages of Debian and the images of Docker have it: "
        "--pg binaries:DIR, or --pg docker"
    ),
    "SELECT xpath('/a', '<a/>')": "libxml is not in this server's build; --pg 18 has it",
    'CREATE TABLE t (a text COLLATE "mi_NZ")': (
        "the locale mi_NZ.UTF-8 is not installed where this server runs; install it (Debian: locale-gen), or name a "
        "server that has it: --pg docker:IMAGE, or --pg dsn:URL"
    ),
    "CREATE EXTENSION old_snapshot": "old_snapshot left PostgreSQL with 17, and this server is 18; --pg 16 has it",
}
FAULTS = {
    "a misspelt extension": 'CREATE EXTENSION "uuid-osp"',
    "a misspelt ICU collation": 'CREATE TABLE t (a text COLLATE "qq-x-icu")',
    "a misspelt locale": 'CREATE TABLE t (a text COLLATE "xx_XX")',
    "a misspelt collation": 'CREATE TABLE t (a text COLLATE "unicorn")',
    "a function that no major has": "SELECT uuidv9()",
    "a setting that no major has": "SET transaction_timout = '1s'",
    "a role of nobody's": "GRANT pg_maintane TO CURRENT_USER",
    "a word that no major knows": "CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a) STORE)",
    "a constraint without its word": "CREATE TABLE t (a int CHECK (a > 0) NOT ENFORCD)",
    "a comma too many": "CREATE TABLE t (a int, )",
    "an extension that was not asked for": "SELECT gen_random_bytes(8)",
}
NAMED_NOT_NULL = (18, "NOT NULL as a constraint with a name, in pg_constraint")
OVER_TIME = (18, "keys over time (WITHOUT OVERLAPS, PERIOD)")
# What an older server refuses, the oldest major that takes it, and what it is called.
YOUNGER = {
    "SELECT uuidv7()": (18, "uuidv7()"),
    "CREATE TABLE t (id uuid DEFAULT pg_catalog.uuidv7())": (18, "uuidv7()"),
    "CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a * 2) VIRTUAL)": (18, "virtual generated columns"),
    "CREATE TABLE t (a int, b int GENERATED ALWAYS AS (abs((a + 1) * 2)), c int)": (18, "virtual generated columns"),
    "CREATE TABLE t (a int CHECK (a > 0) NOT ENFORCED)": (18, "NOT ENFORCED"),
    "CREATE TABLE t (a int, CONSTRAINT filled NOT NULL a)": NAMED_NOT_NULL,
    "CREATE TABLE t (a int NOT NULL NO INHERIT)": NAMED_NOT_NULL,
    "CREATE TABLE t (a int4range, b daterange, PRIMARY KEY (a, b WITHOUT OVERLAPS))": OVER_TIME,
    "CREATE TABLE t (a int); UPDATE t SET a = 1 RETURNING old.a, new.a": (18, "OLD and NEW in RETURNING"),
    "CREATE TABLE t (a text COLLATE pg_unicode_fast)": (18, "pg_unicode_fast"),
    "SELECT array_sort(ARRAY[2, 1])": (18, "array_sort()"),
    "CREATE TABLE t (a int); GRANT MAINTAIN ON t TO CURRENT_USER": (17, "the privilege MAINTAIN"),
    "GRANT pg_maintain TO CURRENT_USER": (17, "pg_maintain"),
    "SET transaction_timeout = '1s'": (17, "transaction_timeout"),
    "SELECT * FROM JSON_TABLE(jsonb '[1]', '$[*]' COLUMNS (a int PATH '$')) AS t": (
        17,
        "SQL/JSON's queries (JSON_TABLE, JSON_VALUE, JSON_QUERY, JSON_EXISTS)",
    ),
    "SELECT JSON_VALUE(jsonb '{}', '$.a')": (17, "json_value()"),
    "CREATE TABLE t (a int); MERGE INTO t USING t AS s ON s.a = t.a WHEN MATCHED THEN DO NOTHING RETURNING t.a": (
        17,
        "RETURNING and NOT MATCHED BY SOURCE of MERGE",
    ),
    "SELECT now() AT LOCAL": (17, "AT LOCAL"),
    "CREATE COLLATION c (provider = builtin, locale = 'C.UTF-8')": (17, "locales of PostgreSQL's own"),
    "SELECT random(1, 6)": (17, "functions of 17"),
    "SELECT 'infinity'::interval": (17, "infinite intervals"),
    "CREATE TABLE t (a int, EXCLUDE (a WITH =)) PARTITION BY LIST (a)": (
        17,
        "exclusion constraints on partitioned tables",
    ),
    "SELECT '{}' IS JSON": (16, "SQL/JSON's constructors and IS JSON"),
    "SELECT JSON_OBJECT('a': 1)": (16, "SQL/JSON's constructors and IS JSON"),
    "SELECT any_value(a) FROM (VALUES (1)) AS t (a)": (16, "any_value()"),
    "SELECT * FROM (SELECT 1)": (16, "subqueries in FROM without an alias"),
    "SELECT 1_000": (16, "numbers like 0x1F and 1_000"),
    "CREATE TABLE t (a text STORAGE EXTERNAL)": (16, "STORAGE in CREATE TABLE"),
    "CREATE ROLE r; CREATE ROLE s; GRANT r TO s WITH INHERIT FALSE": (
        16,
        "the options INHERIT and SET of a role's membership",
    ),
    "CREATE TABLE t (a int, b int); CREATE STATISTICS ON a, b FROM t": (16, "CREATE STATISTICS without a name"),
}


@pytest.fixture(scope="module")
def connected() -> Iterator[Callable[[str], psycopg.Connection]]:
    """A connection to each server, started when it is first asked."""
    with ExitStack() as stack:

        def connect(pg: str) -> psycopg.Connection:
            with fetched(pg):
                server = stack.enter_context(provider_for(pg).start())
            return stack.enter_context(psycopg.connect(server.conninfo(dbname="postgres"), autocommit=True))

        yield cache(connect)


@pytest.fixture
def ask(connected: Callable[[str], psycopg.Connection], tmp_path: Path) -> Ask:
    """What a server lacks for some SQL; None too where it takes it."""

    def asked(
        sql: str, *, pg: str, production: int | None = None, platform: str = "postgres", spec: str = ""
    ) -> MissingFeature | None:
        file = tmp_path / "asked.sql"
        file.write_text(f"-- the first line\n{sql};\n", encoding="utf-8")
        script, connection = read_script(file), connected(pg)
        connection.execute("BEGIN")
        refusal = apply_script(connection, script)
        connection.execute("ROLLBACK")
        return refusal and find_missing_feature(
            connection, refusal, script, spec=spec or pg, production=production, platform=platform
        )

    return asked


@pytest.mark.parametrize("sql", BUILT_WITHOUT)
def test_what_the_wheel_is_built_without_is_told_with_who_has_it(ask: Ask, sql: str) -> None:
    assert BUILT_WITHOUT[sql] == str(ask(sql, pg="wheel"))


@pytest.mark.parametrize("pg", ["wheel", "15", "17"])
@pytest.mark.parametrize("fault", FAULTS)
def test_what_no_server_has_is_the_migrations_fault(ask: Ask, fault: str, pg: str) -> None:
    assert ask(FAULTS[fault], pg=pg) is None


@pytest.mark.parametrize("sql", YOUNGER)
def test_what_came_with_a_major_is_told_by_every_older_one(ask: Ask, sql: str) -> None:
    since, what = YOUNGER[sql]
    actual = {major: str(ask(sql, pg=str(major))) for major in KNOWN_MAJORS}

    sentence = f"{what} came with PostgreSQL {since}, and this server is"
    assert {m: f"{sentence} {m}; --pg {since} has it" if m < since else "None" for m in KNOWN_MAJORS} == actual


def test_productions_own_major_is_named_where_it_has_it(ask: Ask) -> None:
    actual = [
        str(ask("CREATE EXTENSION pgcrypto", pg="wheel", production=16)),
        str(ask("SELECT 1_0", pg="15", production=17)),
    ]

    expected = [
        "pgcrypto is not in this server's build; --pg 16 has it",
        "numbers like 0x1F and 1_000 came with PostgreSQL 16, and this server is 15; --pg 17 has it",
    ]
    assert expected == actual


def test_what_production_lacks_as_well_excuses_nobody(ask: Ask) -> None:
    actual = [
        ask("SELECT uuidv7()", pg="15", production=17),
        ask("CREATE EXTENSION adminpack", pg="wheel", production=17),
    ]

    older = "production runs 17, which has it not either"
    expected = [
        MissingFeature(
            what="uuidv7()", why="came with PostgreSQL 18, and this server is 15", remedy=older, excuses_migration=False
        ),
        MissingFeature(
            what="adminpack", why="left PostgreSQL with 17, and this server is 18", remedy=older, excuses_migration=False
        ),
    ]
    assert expected == actual


def test_who_lacks_it_himself_is_not_named(ask: Ask) -> None:
    actual = [str(ask(sql, pg="wheel", spec="18")) for sql in ("CREATE EXTENSION pgcrypto", "SELECT xpath('/a', '<a/>')")]

    expected = [
        f"pgcrypto is not in this server's build; install PostgreSQL's contrib modules, or {AN_IMAGE}",
        f"libxml is not in this server's build; {AN_IMAGE}",
    ]
    assert expected == actual


def test_what_every_supabase_project_has_need_not_be_created(ask: Ask) -> None:
    actual = str(ask("SELECT gen_random_bytes(8)", pg="wheel", production=17, platform="supabase"))

    assert "pgcrypto, which has gen_random_bytes(), is not in this server's build; --pg 17 has it" == actual


def test_the_extensions_of_a_prebuilt_server_are_known_by_name() -> None:
    with fetched("17"):
        prebuilt_17 = provider_for(f"binaries:{prebuilt(17).fetch()}")
    with prebuilt_17.start() as server, psycopg.connect(server.conninfo(dbname="postgres")) as connection:
        actual = {name for (name,) in connection.execute("SELECT name FROM pg_catalog.pg_available_extensions")}

    assert set() == actual - set(known_extensions())


@pytest.mark.parametrize(("field", "query"), [
    ("functions", "SELECT proname FROM pg_catalog.pg_proc"),
    ("settings", "SELECT name FROM pg_catalog.pg_settings"),
    ("roles", "SELECT rolname FROM pg_catalog.pg_roles"),
    ("collations", "SELECT collname FROM pg_catalog.pg_collation"),
])  # fmt: skip
@pytest.mark.parametrize("major", KNOWN_MAJORS)
def test_each_name_is_there_from_its_major_on(
    connected: Callable[[str], psycopg.Connection], major: int, field: str, query: str
) -> None:
    # What the parser makes of SQL/JSON is no function in the catalog.
    named = {
        name: novelty.since
        for novelty in VERSION_FEATURES
        for name in getattr(novelty, field).split()
        if not (field == "functions" and name.startswith(("json_", "system_user")))
    }
    names = {name for (name,) in connected(str(major)).execute(query.encode())}

    assert {name for name, since in named.items() if since <= major} == named.keys() & names
