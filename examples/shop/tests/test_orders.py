"""The shop's own tests: each has a migrated database for itself."""

import psycopg
import pytest


@pytest.fixture
def customer(pgcontract_db):
    [(customer,)] = pgcontract_db.execute("INSERT INTO customers (email) VALUES ('ann@example.com') RETURNING id")
    return customer


def test_an_order_begins_open(pgcontract_db, customer):
    placed = "INSERT INTO orders (customer_id) VALUES (%s) RETURNING status"

    assert [("open",)] == pgcontract_db.execute(placed, [customer])


def test_an_order_has_no_other_state(pgcontract_db, customer):
    with pytest.raises(psycopg.errors.CheckViolation):
        pgcontract_db.execute("INSERT INTO orders (customer_id, status) VALUES (%s, 'lost')", [customer])


def test_old_addresses_outlive_the_constraint(pgcontract_database_at):
    database = pgcontract_database_at("002")
    database.execute("INSERT INTO customers (email) VALUES ('ann')")
    database.migrate("003")

    assert [("ann",)] == database.execute("SELECT email FROM customers")
