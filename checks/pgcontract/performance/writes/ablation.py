"""Control runs: what a step costs as it is, without the table's triggers, and without each of its indexes.

All control runs of a step are executed in one transaction that is rolled back, by actors that take turns: the first
belongs to the first run, the second to the next. So each run finds its rows on as many pages, as full as any other's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from statistics import median_low
from typing import Any, Final

import psycopg
from psycopg import sql

from pgcontract.contract import Flow, Step
from pgcontract.performance.writes.step_functions import (
    PreparedStep,
    StepExecution,
    begin_lives,
    execute_step,
    execute_unmeasured,
)
from pgcontract.performance.writes.wal_records import WalReader
from pgcontract.postgres.acting_identity import Identity, acting_as
from pgcontract.postgres.script_execution import read_refusal
from pgcontract.probes.scenarios.moves import Move, identity_of, parameter_values
from pgcontract.values import dataclass

# The first execution of each run warms up: what is dropped or disabled makes the server plan anew.
_LIVES: Final = 3
_MANY_LIVES: Final = 7  # where bytes are compared: what an update logs depends on the page its row finds
_FEW_LIVES: Final = 2

_INDEXES: Final = """
SELECT format('%%I.%%I', n.nspname, c.relname), con.conname,
       -- A summarizing index keeps no place of a row, so it stands in no HOT update's way (from 16 on).
       CASE WHEN am.amname <> 'brin' OR current_setting('server_version_num')::int < 160000 THEN ARRAY(
           SELECT a.attname::text FROM pg_attribute AS a
            WHERE a.attrelid = i.indrelid AND a.attnum > 0
              AND (a.attnum = ANY (i.indkey) OR EXISTS (
                  SELECT FROM pg_depend AS d
                   WHERE (d.classid, d.objid, d.refclassid, d.refobjid, d.refobjsubid)
                       = ('pg_class'::regclass, i.indexrelid, 'pg_class'::regclass, i.indrelid, a.attnum)))
            ORDER BY a.attname) ELSE '{}'::text[] END
  FROM pg_index AS i
  JOIN pg_class AS c ON c.oid = i.indexrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_am AS am ON am.oid = c.relam
  LEFT JOIN pg_constraint AS con ON con.conindid = i.indexrelid AND con.contype IN ('p', 'u', 'x')
 WHERE i.indrelid = %s::regclass AND i.indislive
 ORDER BY 1
"""
_TRIGGERED: Final = """
SELECT DISTINCT format('%I.%I', n.nspname, c.relname)
  FROM pg_trigger JOIN pg_class AS c ON c.oid = tgrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE NOT tgisinternal AND tgenabled <> 'D' AND pg_has_role(c.relowner, 'usage') AND n.nspname <> 'auth'  -- a platform's
 ORDER BY 1
"""
_TOUCHED: Final = """
SELECT format('%I.%I', schemaname, relname) FROM pg_stat_xact_user_tables
 WHERE schemaname !~ '^pg_(temp|toast)' AND seq_scan + coalesce(idx_scan, 0) + n_tup_ins + n_tup_upd + n_tup_del > 0
 ORDER BY 1
"""
_CHANGED: Final = """
CREATE FUNCTION pg_temp.pgcontract_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM set_config('pgcontract.changed', (
        SELECT coalesce(json_agg(now.key ORDER BY now.key), '[]')::text
          FROM jsonb_each(to_jsonb(NEW)) AS now JOIN jsonb_each(to_jsonb(OLD)) AS was USING (key)
         WHERE now.value <> was.value), true);
    RETURN NULL;
END $$
"""


@dataclass(frozen=True, kw_only=True)
class TableIndex:
    """An index of the flow's table; `columns` are all that stand in it or in its condition."""

    name: str
    constraint: str | None
    columns: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class StepCost:
    """Medians of one control run; `rows` the statement's, `hot` the share of updates that were HOT, None without updates.

    `least_wal_bytes` are the bytes of the executions that wrote least, by the records that the table itself took: a row
    that finds no room on its page takes a record more and is logged in full, which is luck, so only executions alike are
    compared.
    """

    rows: int
    buffers: int
    wal_records: int
    wal_bytes: int
    least_wal_bytes: Mapping[str, int]
    us: float
    hot: float | None

    def extra_wal_bytes(self, other: StepCost) -> int | None:
        """The bytes of WAL by which this run exceeds the other; None where no two of their executions are alike."""
        both = sorted(set(self.least_wal_bytes) & set(other.least_wal_bytes))
        return self.least_wal_bytes[both[0]] - other.least_wal_bytes[both[0]] if both else None


@dataclass(frozen=True, kw_only=True)
class FiredTrigger:
    """One trigger in one execution: how often it was called, and the microseconds in all its calls (a median)."""

    name: str
    relation: str
    calls: int
    us: float


@dataclass(frozen=True, kw_only=True)
class StepAblation:
    """What the parts of a step cost, at one size. Where a control run is refused its value is the error message.

    `changed` are the columns that an update changes, `changed_without_triggers` those without the triggers, and
    `without_index` has a control run for each index of the table, where asked for.
    """

    plan: str
    fired: tuple[FiredTrigger, ...]
    touched: tuple[str, ...]
    as_is: StepCost
    without_triggers: StepCost | str | None
    changed: tuple[str, ...]
    changed_without_triggers: tuple[str, ...]
    without_index: Mapping[str, StepCost | str]


def table_indexes(connection: psycopg.Connection, table: str) -> tuple[TableIndex, ...]:
    """The table's indexes by name."""
    rows = connection.execute(_INDEXES, [table]).fetchall()
    return tuple(
        TableIndex(name=name, constraint=constraint, columns=tuple(columns)) for name, constraint, columns in rows
    )


def measure_ablation(
    connection: psycopg.Connection,
    flow: Flow,
    prepared_steps: Mapping[str, PreparedStep],
    step: Step,
    indexes: Iterable[TableIndex],
    first_actor: int,
    wal: WalReader | None,
    *,
    columns: bool,
) -> StepAblation:
    """The step's control runs, one for each of these indexes, with the columns it changes where they are wanted.

    A psycopg.Error where it is refused as it is."""
    return _AblationRun(connection, flow, prepared_steps, step, wal).measure(tuple(indexes), first_actor, columns=columns)


class _AblationRun:
    """The control runs of one step, each with its own actors."""

    def __init__(
        self,
        connection: psycopg.Connection,
        flow: Flow,
        prepared_steps: Mapping[str, PreparedStep],
        step: Step,
        wal: WalReader | None,
    ) -> None:
        self.connection = connection
        self.flow = flow
        self.prepared_steps = prepared_steps
        self.prepared_step = prepared_steps[step.name]
        self.step = step
        self.wal = wal
        self._actors: Mapping[str, list[int]] = {}

    def measure(self, indexes: tuple[TableIndex, ...], first_actor: int, *, columns: bool) -> StepAblation:
        lives = {"as it is": _MANY_LIVES, "without triggers": _MANY_LIVES, "explained": _FEW_LIVES}
        lives |= {"changed": 1, "changed alone": 1, **{f"without {index.name}": _LIVES for index in indexes}}
        self._actors = _deal_actors(lives, first_actor)
        actors = [actor for control_run in self._actors.values() for actor in control_run]
        self.connection.execute("BEGIN; SET CONSTRAINTS ALL IMMEDIATE")
        try:
            begin_lives(self.connection, self.flow, actors)
            for step in self.flow.before(self.step):
                execute_unmeasured(self.connection, self.prepared_steps[step.name], actors)
            triggered = [name for (name,) in self.connection.execute(_TRIGGERED).fetchall()]
            disabling = [sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(sql.SQL(table)) for table in triggered]
            executions = self._executions("as it is")
            without = self._control_run("without triggers", disabling) if triggered else None
            as_is, without_triggers = self._comparable_costs(executions, without)
            plan, fired = self._explain_step()
            columns &= as_is.hot is not None
            changed = self._changed_columns("changed", []) if columns else ()
            return StepAblation(
                plan=plan,
                fired=fired,
                as_is=as_is,
                without_triggers=without_triggers,
                changed=changed,
                changed_without_triggers=self._changed_columns("changed alone", disabling)
                if columns and triggered
                else changed,
                without_index={
                    index.name: _cost_or_refusal(
                        self._control_run(f"without {index.name}", [_drop_statement(self.prepared_step.table, index)])
                    )
                    for index in indexes
                },
                touched=tuple(name for (name,) in self.connection.execute(_TOUCHED).fetchall()),
            )
        finally:
            self.connection.execute("ROLLBACK")

    def _control_run(self, name: str, changes: Iterable[sql.Composed | sql.SQL]) -> tuple[StepExecution, ...] | str:
        """The run's executions, or why they are refused."""
        with self._temporary_changes(changes):
            try:
                return self._executions(name)
            except psycopg.Error as error:
                return str(read_refusal(error))

    def _executions(self, name: str) -> tuple[StepExecution, ...]:
        """The first execution of a control run warms up and is left out."""
        return execute_step(self.connection, self.prepared_step, self._actors[name], committed=False)[1:]

    def _comparable_costs(
        self, executions: tuple[StepExecution, ...], without: tuple[StepExecution, ...] | str | None
    ) -> tuple[StepCost, StepCost | str | None]:
        """Both runs' costs, their bytes by the records that the table itself took, as the log has them."""
        if isinstance(without, str) or without is None or self.wal is None:
            return cost_of(executions), without if without is None else _cost_or_refusal(without)
        own = [
            "".join(written.records for written in wrote if written.relation == self.prepared_step.table)
            for wrote in self.wal.records_of(executions + without)
        ]
        return cost_of(executions, own[: len(executions)]), cost_of(without, own[len(executions) :])

    def _explain_step(self) -> tuple[str, tuple[FiredTrigger, ...]]:
        """The statement's own plan, in the server's words, and the triggers that it fires."""
        plan = ""
        times: dict[tuple[str, str], list[tuple[int, float]]] = {}
        for at, actor in enumerate(self._actors["explained"]):
            if self.prepared_step.lead_call:
                [lead] = self._statements(self.prepared_step.lead_call, self.prepared_step.parameters, actor)
                self.connection.execute(sql.SQL(lead))
            [execute] = self._statements(self.prepared_step.execute, self.prepared_step.last, actor)
            word = sql.SQL(execute)  # format() quoted the values
            with acting_as(self.connection, self._identity(actor)):
                if not at:
                    query = sql.SQL("EXPLAIN (COSTS OFF) {}").format(word)
                    plan = "\n".join(line for (line,) in self.connection.execute(query).fetchall())
                analyzed = self.connection.execute(sql.SQL("EXPLAIN (ANALYZE, FORMAT JSON) {}").format(word))
                [(explained,)] = analyzed.fetchall()
            for trigger in explained[0].get("Triggers", []) if at else []:
                name = trigger.get("Constraint Name") or trigger["Trigger Name"]
                calls = int(trigger["Calls"]), trigger["Time"] * 1000
                times.setdefault((name, trigger["Relation"]), []).append(calls)
        return plan, tuple(
            FiredTrigger(
                name=name,
                relation=relation,
                calls=median_low(calls for calls, _ in every),
                us=median_low(us for _, us in every),
            )
            for (name, relation), every in sorted(times.items())
        )

    def _statements(self, template: str, parameters: Sequence[str], actor: int) -> list[str]:
        query = """
            SELECT format(%s, VARIADIC ARRAY(
                SELECT (known || jsonb_build_object('event', format('evt_%%s_%%s_1', actor, %s::text))) ->> name
                  FROM unnest(%s::text[]) AS name))
              FROM pgcontract_lives WHERE actor = %s"""
        values: list[Any] = [template, self.step.name, list(parameters), actor]
        return [statement for (statement,) in self.connection.execute(query, values).fetchall()]

    def _identity(self, actor: int) -> Identity | None:
        parameters = parameter_values(self.flow, Move(step=self.step.name, actor=actor))
        return identity_of(self.step, parameters)

    def _changed_columns(self, name: str, changes: Iterable[sql.Composed | sql.SQL]) -> tuple[str, ...]:
        """The columns that differ between the old row and the new one, as an AFTER trigger sees them."""
        trigger = sql.SQL(
            "CREATE TRIGGER pgcontract_changed AFTER UPDATE ON {} "
            "FOR EACH ROW EXECUTE FUNCTION pg_temp.pgcontract_changed()"
        ).format(sql.SQL(self.prepared_step.table))
        with self._temporary_changes([*changes, sql.SQL(_CHANGED), trigger]):
            try:
                execute_step(self.connection, self.prepared_step, self._actors[name], committed=False)
            except psycopg.Error:
                return ()
            [(columns,)] = self.connection.execute("SELECT current_setting('pgcontract.changed', true)").fetchall()
            return tuple(json.loads(columns)) if columns else ()

    @contextmanager
    def _temporary_changes(self, changes: Iterable[sql.Composed | sql.SQL]) -> Iterator[None]:
        """Make the changes; undo them and everything since at the end."""
        self.connection.execute("SAVEPOINT pgcontract_arm")
        try:
            for change in changes:
                self.connection.execute(change)
            yield
        finally:
            self.connection.execute("ROLLBACK TO pgcontract_arm; RELEASE pgcontract_arm")


def cost_of(executions: Sequence[StepExecution], own_records: Sequence[str] = ()) -> StepCost:
    """The medians of some executions; `own_records` are those that the table itself took in each."""
    updated = sum(one_play.updated for one_play in executions)
    least: dict[str, int] = {}
    for one_play, records in zip(executions, own_records or [""] * len(executions), strict=True):
        least[records] = min(one_play.wal_bytes, least.get(records, one_play.wal_bytes))
    return StepCost(
        rows=median_low(one_play.rows for one_play in executions),
        buffers=median_low(one_play.buffers for one_play in executions),
        wal_records=median_low(one_play.wal_records for one_play in executions),
        wal_bytes=median_low(one_play.wal_bytes for one_play in executions),
        least_wal_bytes=least,
        us=median_low(one_play.us for one_play in executions),
        hot=sum(one_play.hot for one_play in executions) / updated if updated else None,
    )


def _cost_or_refusal(executions: tuple[StepExecution, ...] | str) -> StepCost | str:
    return executions if isinstance(executions, str) else cost_of(executions)


def _deal_actors(lives: Mapping[str, int], first_actor: int) -> Mapping[str, list[int]]:
    """The wanted number of actors for each control run, assigned in turn."""
    dealt: dict[str, list[int]] = {control_run: [] for control_run in lives}
    turns = (control_run for turn in range(max(lives.values())) for control_run, count in lives.items() if turn < count)
    for actor, control_run in enumerate(turns, first_actor):
        dealt[control_run].append(actor)
    return dealt


def _drop_statement(table: str, index: TableIndex) -> sql.Composed:
    if index.constraint is None:
        return sql.SQL("DROP INDEX {} CASCADE").format(sql.SQL(index.name))
    return sql.SQL("ALTER TABLE {} DROP CONSTRAINT {} CASCADE").format(sql.SQL(table), sql.Identifier(index.constraint))
