"""What is declared goes by the names that a migration gives it: names, lists of columns, references, SQL."""

from __future__ import annotations

from pathlib import Path

import pytest
from pgcontract import Project, RunOptions, load_project, verify
from pgcontract.contract import Flow, Query, StateMachine, Timestamp
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.sql.renamed_text import renamed_text
from pgcontract.model.sql.renames import Rename
from written_files import write_files

FIRST = """
CREATE TYPE public.state AS ENUM ('new', 'paid');
CREATE TABLE public.orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text CHECK (email > ''),
    state public.state DEFAULT 'new', at timestamptz);
CREATE INDEX by_email ON public.orders (lower(email)) WHERE state = 'paid';
CREATE TABLE public.lines (order_id bigint REFERENCES public.orders (id), email text);
CREATE VIEW public.mails AS SELECT o.email, count(*) AS n FROM public.orders o JOIN public.lines l ON l.order_id = o.id
    GROUP BY o.email;
CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER touch BEFORE UPDATE OF email ON public.orders FOR EACH ROW WHEN (NEW.email > '')
    EXECUTE FUNCTION public.touch();
CREATE POLICY own ON public.orders USING (email = current_user);
"""
CONTRACT = '''
migration = "001_a.sql"
comments = "optional"

[type."public.state"]
form = "enum"
labels = ["new", "paid"]

[table."public.orders"]
primary_key = ["id"]
columns.id = { type = "bigint", identity = "always" }
columns.email = { type = "text" }
columns.state = { type = "public.state", default = "'new'" }
columns.at = { type = "timestamptz" }
checks.orders_email_check = { expression = "email > ''" }
indexes.by_email = { keys = ["lower(email)"], predicate = "state = 'paid'" }
policies.own = { using = "email = current_user" }

[table."public.orders".triggers.touch]
timing = "before"
events = ["update"]
level = "row"
columns = ["email"]
when = "NEW.email > ''"
function = "public.touch()"

[table."public.lines"]
columns.order_id = { type = "bigint" }
columns.email = { type = "text" }
foreign_keys.lines_order_id_fkey = { columns = ["order_id"], references = "public.orders", to = ["id"] }

[view."public.mails"]
definition = """SELECT o.email, count(*) AS n FROM public.orders o
    JOIN public.lines l ON l.order_id = o.id GROUP BY o.email"""

[function."public.touch()"]
returns = "trigger"
language = "plpgsql"
body = "BEGIN RETURN NEW; END"

[timestamp.at]
column = "public.orders.at"
set_on = ["update"]

[state_machine.state]
column = "public.orders.state"
initial = ["new"]
transitions = { new = ["paid"] }

[query.by_email]
sql = "SELECT id, email FROM public.orders WHERE lower(email) = %(email)s"
parameters.email = { column = "public.orders.email" }
index = "public.by_email"

[flow.pay]
table = "public.orders"
[[flow.pay.step]]
name = "submit"
sql = "INSERT INTO public.orders (email) VALUES ('email') RETURNING email"
captures = ["email"]
'''
RENAMES = {
    "a column": 'ALTER TABLE orders RENAME email TO "e Mail";',
    "the column of a key": "ALTER TABLE orders RENAME COLUMN id TO order_id;",
    "a column by turns": "ALTER TABLE orders RENAME email TO x; ALTER TABLE orders RENAME state TO email;",
    "a table": 'ALTER TABLE IF EXISTS ONLY public.orders RENAME TO "Order s";',
    "a schema": "ALTER SCHEMA public RENAME TO shop;",
    "a type": 'ALTER TYPE state RENAME TO "State";',
    "a label": "ALTER TYPE state RENAME VALUE 'paid' TO 'o''k'; ALTER TYPE state RENAME VALUE 'new' TO 'open';",
    "what hangs on a table": "ALTER TABLE orders RENAME CONSTRAINT orders_pkey TO pk; ALTER INDEX by_email RENAME TO i;"
    "ALTER TRIGGER touch ON orders RENAME TO t; ALTER POLICY own ON orders RENAME TO mine;"
    "ALTER SEQUENCE orders_id_seq RENAME TO ids; ALTER VIEW mails RENAME TO letters; ALTER FUNCTION touch() RENAME TO f;",
    "in a block": "DO $$ BEGIN IF true THEN ALTER TABLE orders RENAME email TO mail; END IF; END $$;",
}


def chain(root: Path, *scripts: str) -> Project:
    """The first migration with its contract, and more, each with an empty one."""
    write_files(root, {"migrations/001_a.sql": FIRST, "contracts/001_a/contract.toml": CONTRACT})
    for number, script in enumerate(scripts, 2):
        name = f"00{number}_a"
        contract = f'migration = "{name}.sql"\ncomments = "optional"\n'
        write_files(root, {f"migrations/{name}.sql": script, f"contracts/{name}/contract.toml": contract})
    return load_project(root)


SHAPE = ("column.*", "table.*", "constraint.*", "index.present", "index.definition", "trigger.*", "policy.*", "view.*")
NOT_ITS = ("table.primary_key", "function.runs", "policy.in_force")  # what is wrong whatever is declared
DECLARED = (*SHAPE, "type.*", "sequence.*", "function.*", "object.declared", "information_schema.shows_declared")


@pytest.mark.parametrize("script", RENAMES.values(), ids=RENAMES)
def test_what_is_renamed_is_neither_missing_nor_extra(script: str, tmp_path: Path) -> None:
    run = verify(chain(tmp_path, script, "SELECT 1;"), RunOptions(only=DECLARED, skip=NOT_ITS))

    assert [] == [finding.item for finding in run.findings if finding.status.value not in ("kept", "noted")]


def test_what_is_promised_is_asked_at_the_head_by_its_name_there(tmp_path: Path) -> None:
    scripts = (
        "ALTER TABLE orders RENAME email TO mail; ALTER TABLE orders RENAME at TO touched_at;",
        "ALTER TABLE orders RENAME TO bills; ALTER TYPE state RENAME VALUE 'paid' TO 'settled';",
    )
    contract = chain(tmp_path, *scripts).at_head.chain[0].contract
    assert contract is not None
    [timestamp], [machine] = contract.of(Timestamp), contract.of(StateMachine)
    [query], [flow] = contract.of(Query), contract.of(Flow)

    assert ("public.bills.touched_at", {"new": ("settled",)}) == (timestamp.column, machine.transitions)
    assert ("public.bills.mail", "public.bills") == (query.parameters[0].column, flow.table)
    assert "SELECT id, mail AS email FROM public.bills WHERE lower(mail) = %(email)s" == query.sql
    assert "INSERT INTO public.bills (mail) VALUES ('email') RETURNING mail AS email" == flow.steps[0].sql


def test_what_takes_over_a_name_is_not_renamed_as_the_one_before_it(tmp_path: Path) -> None:
    script = "ALTER TABLE orders RENAME email TO mail; ALTER TABLE orders RENAME at TO email;"
    project = chain(tmp_path, script, "SELECT 1;")

    assert project.at_head.at_head.declared("001_a") == project.at_head.declared("001_a")


def test_a_contract_may_take_away_what_its_migration_renamed(tmp_path: Path) -> None:
    project = chain(tmp_path, RENAMES["a table"])
    path = tmp_path / "contracts/002_a/contract.toml"
    path.write_text(f'{path.read_text()}\n[table."public.orders"]\nremoved = true\n', encoding="utf-8")

    assert project.declared("002_a") == load_project(tmp_path).declared("002_a")


def test_a_contract_may_say_itself_what_is_renamed(tmp_path: Path) -> None:
    block = "DO $$ BEGIN EXECUTE format('ALTER TABLE orders RENAME %I TO mail', 'email'); END $$;"
    stated = '\n[table."public.orders"]\ncolumns.mail = { renamed_from = "email" }\n'
    by_script = chain(tmp_path / "a", "ALTER TABLE orders RENAME email TO mail;").declared("002_a")
    chain(tmp_path / "b", block)
    path = tmp_path / "b/contracts/002_a/contract.toml"
    path.write_text(path.read_text(encoding="utf-8") + stated, encoding="utf-8")

    assert by_script == load_project(tmp_path / "b").declared("002_a")


def test_a_contract_that_names_every_column_names_their_order(tmp_path: Path) -> None:
    chain(tmp_path, "SELECT 1;")
    path = tmp_path / "contracts/002_a/contract.toml"
    stated = '\n[table."public.lines"]\ncolumns.email = {}\ncolumns.order_id = {}\n'
    path.write_text(path.read_text(encoding="utf-8") + stated, encoding="utf-8")
    columns = load_project(tmp_path).declared("002_a").columns

    assert {"email": 1, "order_id": 2} == {one.bare_name: one.position for one in columns if one.table == "public.lines"}


TEXTS = {
    "o.email of the alias": ("SELECT o.email FROM orders o", "SELECT o.mail FROM orders o"),
    "another table's": ("SELECT l.email FROM orders o, lines l", "SELECT l.email FROM orders o, lines l"),
    "a string, a comment, a parameter": (
        "SELECT 'email' /* email */, %(email)s, x.\"email\" FROM orders x",
        "SELECT 'email' /* email */, %(email)s, x.mail FROM orders x",
    ),
    "a function and a cast": ("SELECT email(1), 1::email FROM orders", "SELECT email(1), 1::email FROM orders"),
    "of no such table": ("SELECT email FROM lines", "SELECT email FROM lines"),
}


@pytest.mark.parametrize(("text", "expected"), TEXTS.values(), ids=TEXTS)
def test_only_what_means_the_column_is_renamed(text: str, expected: str) -> None:
    orders = QualifiedName.of("public", "orders")
    rename = Rename(kind="column", old=orders.member("email"), new=orders.member("mail"))

    assert expected == renamed_text(text, rename)
