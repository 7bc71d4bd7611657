"""Tests as an owner of the shop writes them: run by test_fixtures.py in a pytest of their own, on one server."""

from __future__ import annotations

import psycopg
import pytest

ANN, BOB = "00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000b"


def test_a_database_is_at_the_head(pgcontract_db):
    assert (pgcontract_db.migration.key, [(0,)]) == ("003_owner", pgcontract_db.execute("SELECT count(*) FROM note"))


def test_what_one_test_writes(pgcontract_db):
    with pgcontract_db.connect() as connection:
        connection.execute("INSERT INTO note (id) VALUES (1)")

    assert [(1,)] == pgcontract_db.execute("SELECT count(*) FROM note")


def test_another_does_not_see(pgcontract_db):
    assert [(0,)] == pgcontract_db.execute("SELECT count(*) FROM note")


def test_its_address_is_for_any_driver(pgcontract_db):
    with psycopg.connect(pgcontract_db.url) as by_url, psycopg.connect(pgcontract_db.dsn) as by_dsn:
        names = [c.execute("SELECT current_database(), current_user").fetchone() for c in (by_url, by_dsn)]

    assert [(pgcontract_db.name, "postgres")] * 2 == names


def test_a_connection_takes_psycopgs_keywords(pgcontract_db):
    connection = pgcontract_db.connect(autocommit=True, row_factory=psycopg.rows.dict_row)

    assert {"one": 1} == connection.execute("SELECT 1 AS one").fetchone()


def test_a_migration_meets_rows(pgcontract_database_at):
    database = pgcontract_database_at("001")
    database.execute("INSERT INTO note (id, body) VALUES (1, 'words')")
    database.migrate("002")

    assert [("WORDS",)] == database.execute("SELECT shouted FROM note")


def test_a_migration_is_rolled_back_and_run_again(pgcontract_database_at):
    database = pgcontract_database_at("002")
    database.roll_back()
    before = database.migration.key
    database.migrate()

    assert ("001_note", "003_owner") == (before, database.migration.key)


def test_before_the_first_there_is_nothing(pgcontract_database_at):
    database = pgcontract_database_at(before="001")

    assert (None, [(None,)]) == (database.migration, database.execute("SELECT to_regclass('public.note')"))


def test_two_points_at_once(pgcontract_database_at):
    first, second = pgcontract_database_at("001"), pgcontract_database_at("001")
    first.execute("INSERT INTO note (id) VALUES (1)")

    assert ([(1,)], [(0,)]) == tuple(each.execute("SELECT count(*) FROM note") for each in (first, second))


@pytest.mark.pgcontract(at="001")
def test_a_marker_says_where(pgcontract_db):
    assert "001_note" == pgcontract_db.migration.key


def test_a_role_sees_its_own(pgcontract_db, as_role):
    with as_role("authenticated", user=ANN) as ann:
        ann.execute("INSERT INTO note (id) VALUES (1)")
    with as_role("authenticated", user=BOB) as bob:
        seen = bob.execute("SELECT id FROM note").fetchall()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            bob.execute("DELETE FROM note")
        again = bob.execute("SELECT count(*) FROM note").fetchone()

    assert ([], (0,), [(1,)]) == (seen, again, pgcontract_db.execute("SELECT id FROM note"))


def test_a_role_has_other_claims(as_role):
    with as_role("authenticated", claims={"org": 7}) as connection:
        row = connection.execute("SELECT auth.jwt() ->> 'org', auth.jwt() ->> 'role', auth.uid()").fetchone()

    assert ("7", "authenticated", None) == row


@pytest.fixture(scope="module")
def shared(pgcontract_databases):
    with pgcontract_databases.database("002") as database:
        database.execute("INSERT INTO note (id) VALUES (7)")
        yield database


def test_a_fixture_of_other_scope(shared):
    assert [(7,)] == shared.execute("SELECT id FROM note")


def wrong_a_statement_is_refused(pgcontract_db, as_role):
    with as_role("anon") as anon:
        anon.execute("ALTER ROLE authenticated PASSWORD 'hunter2'")


def wrong_a_role_is_misspelt(as_role):
    as_role("authentcated")


def wrong_a_migration_is_not_there(pgcontract_database_at):
    pgcontract_database_at("004")


@pytest.mark.pgcontract(att="001")
def wrong_a_marker_is_misspelt(pgcontract_db):
    pass


def wrong_a_migration_is_applied_already(pgcontract_db):
    pgcontract_db.migrate("002")


def wrong_there_is_no_way_back(pgcontract_db):
    pgcontract_db.roll_back()


def wrong_rows_stop_a_migration(pgcontract_database_at):
    database = pgcontract_database_at("001")
    database.execute("INSERT INTO note (id, body) VALUES (1, 'no')")
    database.migrate()
