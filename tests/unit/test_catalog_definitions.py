"""A definition that changes is noticed, whatever kind of object it is of: each pair differs by one clause."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from pgcontract.catalog import read_catalog
from pgcontract.model.comparison import compare
from pgcontract.postgres.providers import Server

FAMILY = "CREATE OPERATOR FAMILY f USING btree;"
CONFIGURATION = "CREATE TEXT SEARCH CONFIGURATION c (PARSER = default);"
WRAPPER = "CREATE FOREIGN DATA WRAPPER w;"
SERVER = f"{WRAPPER} CREATE SERVER s FOREIGN DATA WRAPPER w"
TYPE = "CREATE TYPE pair AS (a integer, b integer);"
TO_TEXT = f"{TYPE} CREATE FUNCTION spell(pair) RETURNS text LANGUAGE sql AS 'SELECT $1.a::text';"
EQUAL = "CREATE OPERATOR === (LEFTARG = integer, RIGHTARG = integer, FUNCTION = int4eq{});"
LANGUAGE = "CREATE {}LANGUAGE l HANDLER plpgsql_call_handler INLINE plpgsql_inline_handler{};"
SUM = "CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '{}'{});"
LABEL = (
    "CREATE TABLE t (); INSERT INTO pg_catalog.pg_seclabel VALUES ('t'::regclass, 'pg_class'::regclass, 0, 'dummy', '{}')"
)
SHARED_LABEL = (
    "INSERT INTO pg_catalog.pg_shseclabel"
    " SELECT oid, 'pg_database'::regclass, 'dummy', '{}' FROM pg_catalog.pg_database WHERE datname = current_database()"
)
SUBSCRIPTION = "CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p WITH (connect = false, slot_name = NONE)"
PAIRS = {
    "operator's function": (EQUAL.format(""), EQUAL.format("").replace("int4eq", "int4ne")),
    "operator's commutator": (EQUAL.format(""), EQUAL.format(", COMMUTATOR = ===")),
    "operator that hashes": (EQUAL.format(", COMMUTATOR = ==="), EQUAL.format(", COMMUTATOR = ===, HASHES")),
    "comment on an operator": (EQUAL.format("") + "COMMENT ON OPERATOR === (integer, integer) IS 'same'",
                               EQUAL.format("") + "COMMENT ON OPERATOR === (integer, integer) IS 'other'"),
    "member of an operator family": (f"{FAMILY} ALTER OPERATOR FAMILY f USING btree ADD OPERATOR 1 < (integer, integer)",
                                     f"{FAMILY} ALTER OPERATOR FAMILY f USING btree ADD OPERATOR 1 > (integer, integer)"),
    "operator class's storage": ("CREATE OPERATOR CLASS o FOR TYPE point USING gist AS STORAGE box",
                                 "CREATE OPERATOR CLASS o FOR TYPE point USING gist AS STORAGE polygon"),
    "operator class that is the default": (
        f"{TYPE} CREATE OPERATOR CLASS o FOR TYPE pair USING btree AS FUNCTION 1 btrecordcmp(record, record)",
        f"{TYPE} CREATE OPERATOR CLASS o DEFAULT FOR TYPE pair USING btree AS FUNCTION 1 btrecordcmp(record, record)"),
    "cast's function": (f"{TO_TEXT} CREATE CAST (pair AS text) WITH FUNCTION spell(pair)",
                        f"{TO_TEXT} CREATE CAST (pair AS text) WITH INOUT"),
    "cast's context": (f"{TYPE} CREATE CAST (pair AS text) WITH INOUT",
                       f"{TYPE} CREATE CAST (pair AS text) WITH INOUT AS ASSIGNMENT"),
    "collation's locale": ("CREATE COLLATION c (LOCALE = 'C')", "CREATE COLLATION c (LOCALE = 'POSIX')"),
    "conversion's function": ("CREATE CONVERSION c FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8",
                              "CREATE DEFAULT CONVERSION c FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8"),
    "language's trust": (LANGUAGE.format("", ""), LANGUAGE.format("TRUSTED ", "")),
    "language's validator": (LANGUAGE.format("", ""), LANGUAGE.format("", " VALIDATOR plpgsql_validator")),
    "text search mapping": (f"{CONFIGURATION} ALTER TEXT SEARCH CONFIGURATION c ADD MAPPING FOR word WITH simple",
                            f"{CONFIGURATION} ALTER TEXT SEARCH CONFIGURATION c ADD MAPPING FOR word WITH english_stem"),
    "order of dictionaries": (
        f"{CONFIGURATION} ALTER TEXT SEARCH CONFIGURATION c ADD MAPPING FOR word WITH english_stem, simple",
        f"{CONFIGURATION} ALTER TEXT SEARCH CONFIGURATION c ADD MAPPING FOR word WITH simple, english_stem"),
    "dictionary's option": ("CREATE TEXT SEARCH DICTIONARY d (TEMPLATE = simple)",
                            "CREATE TEXT SEARCH DICTIONARY d (TEMPLATE = simple, ACCEPT = false)"),
    "wrapper's option": (WRAPPER, "CREATE FOREIGN DATA WRAPPER w OPTIONS (debug 'true')"),
    "server's option": (f"{SERVER} OPTIONS (host 'a')", f"{SERVER} OPTIONS (host 'b')"),
    "server's version": (f"{SERVER}", f"{WRAPPER} CREATE SERVER s VERSION '2' FOREIGN DATA WRAPPER w"),
    "user mapping's option": (f"{SERVER}; CREATE USER MAPPING FOR public SERVER s",
                              f"{SERVER}; CREATE USER MAPPING FOR public SERVER s OPTIONS (password 'x')"),
    "access method": ("CREATE ACCESS METHOD a TYPE INDEX HANDLER bthandler",
                      "CREATE ACCESS METHOD a TYPE INDEX HANDLER hashhandler"),
    "aggregate's start": (SUM.format("0", ""), SUM.format("1", "")),
    "aggregate's combination": (SUM.format("0", ""), SUM.format("0", ", COMBINEFUNC = int4pl")),
    "foreign table's option": (f"{SERVER}; CREATE FOREIGN TABLE t (a integer) SERVER s OPTIONS (name 'a')",
                               f"{SERVER}; CREATE FOREIGN TABLE t (a integer) SERVER s OPTIONS (name 'b')"),
    "foreign column's option": (f"{SERVER}; CREATE FOREIGN TABLE t (a integer) SERVER s",
                                f"{SERVER}; CREATE FOREIGN TABLE t (a integer OPTIONS (name 'b')) SERVER s"),
    "text search parser": ("SELECT", "CREATE TEXT SEARCH PARSER p"
                           " (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype)"),
    "text search template": ("SELECT", "CREATE TEXT SEARCH TEMPLATE t (LEXIZE = dsimple_lexize)"),
    "transform": ("SELECT", "CREATE TRANSFORM FOR int LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal))"),
    "large object": ("SELECT", "SELECT lo_create(0)"),
    "comment on the database": ("SELECT", "COMMENT ON DATABASE postgres IS 'all of it'"),
    "subscription's state": (SUBSCRIPTION, f"{SUBSCRIPTION}; ALTER SUBSCRIPTION s SET (binary)"),
    "security label": (LABEL.format("secret"), LABEL.format("public")),
    "security label on the database": (SHARED_LABEL.format("secret"), SHARED_LABEL.format("public")),
    "grant on a parameter": ("SELECT", "GRANT SET ON PARAMETER work_mem TO PUBLIC"),
    "grant of a parameter": ("GRANT SET ON PARAMETER work_mem TO PUBLIC",
                             "GRANT SET, ALTER SYSTEM ON PARAMETER work_mem TO PUBLIC"),
    "grant on the database": ("SELECT",
        "DO $$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()); END $$"),
}  # fmt: skip
ICU = {
    "collation that is deterministic": ("CREATE COLLATION c (PROVIDER = icu, LOCALE = 'und')",
                                        "CREATE COLLATION c (PROVIDER = icu, LOCALE = 'und', DETERMINISTIC = false)"),
    "collation's icu locale": ("CREATE COLLATION c (PROVIDER = icu, LOCALE = 'und')",
                               "CREATE COLLATION c (PROVIDER = icu, LOCALE = 'und-u-ks-level2')"),
}  # fmt: skip


@pytest.fixture
def connection(catalog_server: Server) -> Iterator[psycopg.Connection]:
    with psycopg.connect(catalog_server.conninfo(dbname="postgres")) as connected:
        yield connected
        connected.rollback()


def difference(connection: psycopg.Connection, pair: tuple[str, str]) -> list[str]:
    """What is different between a database after the one script and after the other: kind and field."""
    read = []
    for script in pair:
        # So that nothing is there but what the script makes.
        connection.execute("COMMENT ON DATABASE postgres IS NULL; CREATE SCHEMA made; SET LOCAL search_path = made")
        connection.execute(script)
        read.append(read_catalog(connection))
        connection.rollback()
    return [f"{one.kind} {one.field or one.result.value}" for one in compare(*read, owner=connection.info.user)]


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_one_clause_is_one_difference(connection: psycopg.Connection, pair: tuple[str, str]) -> None:
    first, second = difference(connection, pair[:1] * 2), difference(connection, pair)

    assert ([], 1) == (first, len(second)), second


@pytest.mark.parametrize("pair", ICU.values(), ids=ICU)
def test_one_clause_of_a_collation_of_icu_is_one_difference(
    connection: psycopg.Connection, pair: tuple[str, str]
) -> None:
    try:
        expected, found = ["other definition"], difference(connection, pair)
    except psycopg.errors.FeatureNotSupported as error:
        expected, found = ["ICU is not supported in this build"], [error.diag.message_primary or ""]

    assert expected == found


def test_no_password_of_a_user_mapping_is_read(connection: psycopg.Connection) -> None:
    connection.execute(f"{SERVER}; CREATE USER MAPPING FOR public SERVER s OPTIONS (user 'u', password 'hunter2')")

    assert "hunter2" not in repr(read_catalog(connection))
