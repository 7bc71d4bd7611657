"""A chain of ordinary migrations, some of which cannot be applied, with what is right to say of each."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

OWN = "own"
OUTSIDE = "outside"
CONSEQUENCE = "consequence"
APPLIED = "applied"


@dataclass
class Planned:
    """One migration: its SQL, what it needs and makes, what is right to say of it, and the causes it may follow from."""

    key: str
    sql: str
    needs: frozenset[str]
    makes: frozenset[str]
    takes_away: frozenset[str] = frozenset()
    verdict: str = APPLIED
    causes: frozenset[str] = frozenset()


@dataclass
class _World:
    """What there would be if every file were applied, and what is missing for the failure of a file."""

    random: random.Random
    tables: list[str] = field(default_factory=list)
    columns: dict[str, list[str]] = field(default_factory=dict)
    number: int = 0

    def name(self, kind: str) -> str:
        self.number += 1
        return f"{kind}_{self.number}"

    def some_table(self) -> str:
        return self.random.choice(self.tables)


def generate_chain(length: int, *, seed: int, failures: int) -> list[Planned]:
    """So many migrations, of which so many have a failure of their own, or lack what comes from outside."""
    world = _World(random.Random(seed))
    chain = [_ordinary(world, number) for number in range(1, length + 1)]
    places = world.random.sample(range(2, length), failures)
    for turn, place in enumerate(sorted(places)):
        _break(chain[place], turn)
    missing: dict[str, frozenset[str]] = {}
    for planned in chain:
        lacking = [missing[name] for name in planned.needs | planned.takes_away if name in missing]
        if planned.verdict in (OWN, OUTSIDE):
            planned.causes = frozenset({planned.key})
        elif lacking:
            planned.verdict, planned.causes = CONSEQUENCE, frozenset().union(*lacking)
        if planned.verdict != APPLIED:
            missing |= dict.fromkeys(planned.makes | planned.takes_away, planned.causes)
    # A file that lacks what a failed one would have made stops there, before it comes to its own failure.
    return chain


def write_chain(chain: list[Planned], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for planned in chain:
        (folder / f"{planned.key}.sql").write_text(planned.sql, encoding="utf-8")


def _ordinary(world: _World, number: int) -> Planned:
    kinds = [_table, _table_with_reference, _column, _index, _view, _trigger, _rows, _renamed, _label, _dropped_column]
    kind = world.random.choice(kinds) if len(world.tables) > 3 else _table
    name, sql, needs, makes, takes = kind(world)
    return Planned(
        key=f"{number:04}_{name}",
        sql=sql,
        needs=frozenset(needs),
        makes=frozenset(makes),
        takes_away=frozenset(takes),
    )


Made = tuple[str, str, set[str], set[str], set[str]]


def _table(world: _World) -> Made:
    table = world.name("orders")
    world.tables.append(table)
    world.columns[table] = ["note"]
    sql = f"CREATE TABLE {table} (id bigint PRIMARY KEY, note text DEFAULT 'x');\n"
    return table, sql, set(), {table, f"{table}.note"}, set()


def _table_with_reference(world: _World) -> Made:
    other = world.some_table()
    name, sql, needs, makes, takes = _table(world)
    sql = sql.replace("note text", f"other_id bigint REFERENCES {other} (id), note text")
    return name, sql, needs | {other}, makes, takes


def _column(world: _World) -> Made:
    table, column = world.some_table(), world.name("amount")
    world.columns[table].append(column)
    sql = f"ALTER TABLE {table} ADD COLUMN {column} integer;\nCOMMENT ON COLUMN {table}.{column} IS 'cents';\n"
    return column, sql, {table}, {f"{table}.{column}"}, set()


def _index(world: _World) -> Made:
    table = world.some_table()
    column, index = world.random.choice(world.columns[table]), world.name("by")
    return index, f"CREATE INDEX {index} ON {table} ({column});\n", {table, f"{table}.{column}"}, {index}, set()


def _view(world: _World) -> Made:
    table, view = world.some_table(), world.name("open")
    return view, f"CREATE VIEW {view} AS SELECT id FROM {table} WHERE id > 0;\n", {table}, {view}, set()


def _trigger(world: _World) -> Made:
    table, function = world.some_table(), world.name("touch")
    sql = (
        f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;\n"
        f"CREATE TRIGGER {function} BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {function}();\n"
    )
    return function, sql, {table}, {function}, set()


def _rows(world: _World) -> Made:
    table = world.some_table()
    number = world.number = world.number + 1
    return f"rows_{number}", f"INSERT INTO {table} (id) VALUES ({number * 10});\n", {table}, set(), set()


def _renamed(world: _World) -> Made:
    table = world.some_table()
    column = world.random.choice(world.columns[table])
    new = world.name("renamed")
    world.columns[table] = [new if name == column else name for name in world.columns[table]]
    sql = f"ALTER TABLE {table} RENAME COLUMN {column} TO {new};\n"
    return new, sql, {table, f"{table}.{column}"}, {f"{table}.{new}"}, set()


def _label(world: _World) -> Made:
    table, kind, column = world.some_table(), world.name("state"), world.name("in_state")
    world.columns[table].append(column)
    sql = f"CREATE TYPE {kind} AS ENUM ('new', 'done');\nALTER TABLE {table} ADD COLUMN {column} {kind} DEFAULT 'new';\n"
    return kind, sql, {table}, {kind, f"{table}.{column}"}, set()


def _dropped_column(world: _World) -> Made:
    """Dropped and made again under the same name: where the DROP did not happen, the name is taken."""
    table = world.some_table()
    column = world.name("old")
    sql = f"ALTER TABLE {table} ADD COLUMN {column} integer;\nALTER TABLE {table} DROP COLUMN {column};\n"
    return column, sql, {table}, set(), set()


_OWN_FAULTS = (
    "CREATE TABLE {name}_t (a intger);\n",
    "SELECT FROM WHERE;\n",
    "ALTER TABLE pg_catalog.pg_class ADD COLUMN x integer;\n",
    "DO $$ BEGIN RAISE EXCEPTION 'not today'; END $$;\n",
    "CREATE TABLE {name}_t (a integer, a integer);\n",
)
_OUTSIDE_FAULTS = (
    "CREATE TABLE {name}_t (id integer REFERENCES ledger_{turn} (id));\n",
    "GRANT SELECT ON pg_class TO auditor_{turn};\n",
    "CREATE TABLE billing_{turn}.{name}_t (a integer);\n",
)


def _break(planned: Planned, turn: int) -> None:
    """The fault comes first, so that nothing else of the file is reached."""
    faults = _OUTSIDE_FAULTS if turn % 3 == 2 else _OWN_FAULTS
    fault = faults[turn % len(faults)]
    planned.sql = fault.format(name=f"fault_{turn}", turn=turn) + planned.sql
    planned.verdict = OUTSIDE if turn % 3 == 2 else OWN
