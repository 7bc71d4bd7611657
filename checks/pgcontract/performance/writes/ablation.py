"""Control arms: what a step costs as it is, without the table's triggers, and without each of its indexes.

All arms of a step are played in one transaction that is undone, by actors that take turns: the first plays the first
arm, the second the next. So each arm finds its rows on as many pages, as full as those of any other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median_low
from typing import Any, Final

import psycopg
from psycopg import sql

from pgcontract.contract import Flow, Step
from pgcontract.performance.writes.step_functions import Play, Playable, begin_lives, play, play_unmeasured
from pgcontract.performance.writes.wal_records import Log
from pgcontract.postgres.script_execution import refusal_of

# The first of each arm warms up: what is dropped or disabled makes the server plan anew.
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
 WHERE NOT tgisinternal AND tgenabled <> 'D' AND pg_has_role(c.relowner, 'usage')
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
class OwnIndex:
    """An index of the flow's table; `columns` are all that stand in it or in its condition."""

    name: str
    constraint: str | None
    columns: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Medians of one arm; `rows` the statement's, `hot` the share of updates that were HOT, None without updates.

    `wal_least` are the bytes of the plays that wrote least, by the records that the table itself took: a row that finds
    no room on its page takes a record more and is logged in full, which is luck, so only plays alike are compared.
    """

    rows: int
    buffers: int
    wal_records: int
    wal_bytes: int
    wal_least: Mapping[str, int]
    us: float
    hot: float | None

    def more_than(self, other: Cost) -> int | None:
        """The bytes of log by which this arm exceeds the other; None where no two of their plays are alike."""
        both = sorted(set(self.wal_least) & set(other.wal_least))
        return self.wal_least[both[0]] - other.wal_least[both[0]] if both else None


@dataclass(frozen=True, kw_only=True)
class Fired:
    """One trigger in one play: how often it was called, and the microseconds in all its calls (a median)."""

    name: str
    relation: str
    calls: int
    us: float


@dataclass(frozen=True, kw_only=True)
class Arms:
    """What a step is made of, at one size. Where an arm is refused its value is the server's words.

    `changed` are the columns that an update changes, `changed_alone` those that it changes without the triggers, and
    `without_index` has an arm for each index of the table: where these were asked.
    """

    plan: str
    fired: tuple[Fired, ...]
    touched: tuple[str, ...]
    as_is: Cost
    without_triggers: Cost | str | None
    changed: tuple[str, ...]
    changed_alone: tuple[str, ...]
    without_index: Mapping[str, Cost | str]


def own_indexes(connection: psycopg.Connection, table: str) -> tuple[OwnIndex, ...]:
    """The table's indexes by name."""
    found = connection.execute(_INDEXES, [table]).fetchall()
    return tuple(OwnIndex(name=name, constraint=constraint, columns=tuple(each)) for name, constraint, each in found)


def ask_arms(
    connection: psycopg.Connection,
    flow: Flow,
    playables: Mapping[str, Playable],
    step: Step,
    indexes: Iterable[OwnIndex],
    first_actor: int,
    log: Log | None,
    *,
    columns: bool,
) -> Arms:
    """The step's arms, one for each of these indexes, with the columns it changes where they are wanted. A psycopg.Error
    where it is refused as it is."""
    return _Asking(connection, flow, playables, step, log).ask(tuple(indexes), first_actor, columns=columns)


class _Asking:
    """The arms of one step; each takes its actors from where the one before it left off."""

    def __init__(
        self,
        connection: psycopg.Connection,
        flow: Flow,
        playables: Mapping[str, Playable],
        step: Step,
        log: Log | None,
    ) -> None:
        self.connection = connection
        self.flow = flow
        self.playables = playables
        self.playable = playables[step.name]
        self.step = step
        self.log = log
        self._actors: Mapping[str, list[int]] = {}

    def ask(self, indexes: tuple[OwnIndex, ...], first_actor: int, *, columns: bool) -> Arms:
        wanted = {"as it is": _MANY_LIVES, "without triggers": _MANY_LIVES, "explained": _FEW_LIVES}
        wanted |= {"changed": 1, "changed alone": 1, **{f"without {each.name}": _LIVES for each in indexes}}
        self._actors = _turns(wanted, first_actor)
        actors = [actor for arm in self._actors.values() for actor in arm]
        self.connection.execute("BEGIN; SET CONSTRAINTS ALL IMMEDIATE")
        try:
            begin_lives(self.connection, self.flow, actors)
            for each in self.flow.before(self.step):
                play_unmeasured(self.connection, self.playables[each.name], actors)
            triggered = [name for (name,) in self.connection.execute(_TRIGGERED).fetchall()]
            disabling = [sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(sql.SQL(each)) for each in triggered]
            plays = self._plays("as it is")
            without = self._arm("without triggers", disabling) if triggered else None
            as_is, without_triggers = self._alike(plays, without)
            plan, fired = self._explained()
            columns &= as_is.hot is not None
            changed = self._changed("changed", []) if columns else ()
            return Arms(
                plan=plan,
                fired=fired,
                as_is=as_is,
                without_triggers=without_triggers,
                changed=changed,
                changed_alone=self._changed("changed alone", disabling) if columns and triggered else changed,
                without_index={
                    each.name: _cost_or_refusal(self._arm(f"without {each.name}", [_dropping(self.flow.table, each)]))
                    for each in indexes
                },
                touched=tuple(name for (name,) in self.connection.execute(_TOUCHED).fetchall()),
            )
        finally:
            self.connection.execute("ROLLBACK")

    def _arm(self, name: str, changes: Iterable[sql.Composed | sql.SQL]) -> tuple[Play, ...] | str:
        """The arm's plays, or why they are refused."""
        with self._aside(changes):
            try:
                return self._plays(name)
            except psycopg.Error as error:
                return str(refusal_of(error))

    def _plays(self, name: str) -> tuple[Play, ...]:
        """The first play of an arm warms up and is left out."""
        return play(self.connection, self.playable, self.flow.table, self._actors[name], committed=False)[1:]

    def _alike(self, plays: tuple[Play, ...], without: tuple[Play, ...] | str | None) -> tuple[Cost, Cost | str | None]:
        """Both arms' costs, their bytes by the records that the table itself took, as the log has them."""
        if isinstance(without, str) or without is None or self.log is None:
            return cost_of(plays), without if without is None else _cost_or_refusal(without)
        own = [
            "".join(each.records for each in wrote if each.relation == self.flow.table)
            for wrote in self.log.of(plays + without)
        ]
        return cost_of(plays, own[: len(plays)]), cost_of(without, own[len(plays) :])

    def _explained(self) -> tuple[str, tuple[Fired, ...]]:
        """The statement's own plan, in the server's words, and the triggers that it fires."""
        words = [sql.SQL(each) for each in self._words(self._actors["explained"])]  # format() quoted the values
        asked = sql.SQL("EXPLAIN (COSTS OFF) {}").format(words[0])
        plan = "\n".join(line for (line,) in self.connection.execute(asked).fetchall())
        times: dict[tuple[str, str], list[tuple[int, float]]] = {}
        for at, each in enumerate(words):
            [(told,)] = self.connection.execute(sql.SQL("EXPLAIN (ANALYZE, FORMAT JSON) {}").format(each)).fetchall()
            for trigger in told[0].get("Triggers", []) if at else []:
                name = trigger.get("Constraint Name") or trigger["Trigger Name"]
                calls = int(trigger["Calls"]), trigger["Time"] * 1000
                times.setdefault((name, trigger["Relation"]), []).append(calls)
        return plan, tuple(
            Fired(
                name=name,
                relation=relation,
                calls=median_low(calls for calls, _ in every),
                us=median_low(us for _, us in every),
            )
            for (name, relation), every in sorted(times.items())
        )

    def _words(self, actors: list[int]) -> list[str]:
        asked = """
            SELECT format(%s, VARIADIC ARRAY(
                SELECT (known || jsonb_build_object('event', format('evt_%%s_%%s_1', actor, %s::text))) ->> name
                  FROM unnest(%s::text[]) AS name))
              FROM pgcontract_lives WHERE actor = ANY (%s) ORDER BY actor"""
        values: list[Any] = [self.playable.execute, self.step.name, list(self.playable.parameters), actors]
        return [words for (words,) in self.connection.execute(asked, values).fetchall()]

    def _changed(self, name: str, changes: Iterable[sql.Composed | sql.SQL]) -> tuple[str, ...]:
        """The columns that differ between the old row and the new one, as an AFTER trigger sees them."""
        trigger = sql.SQL(
            "CREATE TRIGGER pgcontract_changed AFTER UPDATE ON {} "
            "FOR EACH ROW EXECUTE FUNCTION pg_temp.pgcontract_changed()"
        ).format(sql.SQL(self.flow.table))
        with self._aside([*changes, sql.SQL(_CHANGED), trigger]):
            try:
                play(self.connection, self.playable, self.flow.table, self._actors[name], committed=False)
            except psycopg.Error:
                return ()
            [(found,)] = self.connection.execute("SELECT current_setting('pgcontract.changed', true)").fetchall()
            return tuple(json.loads(found)) if found else ()

    @contextmanager
    def _aside(self, changes: Iterable[sql.Composed | sql.SQL]) -> Iterator[None]:
        """The changes made, and everything since undone."""
        self.connection.execute("SAVEPOINT pgcontract_arm")
        try:
            for each in changes:
                self.connection.execute(each)
            yield
        finally:
            self.connection.execute("ROLLBACK TO pgcontract_arm; RELEASE pgcontract_arm")


def cost_of(plays: Sequence[Play], own_records: Sequence[str] = ()) -> Cost:
    """The medians of some plays; `own_records` are those that the table itself took in each."""
    updated = sum(each.updated for each in plays)
    least: dict[str, int] = {}
    for each, records in zip(plays, own_records or [""] * len(plays), strict=True):
        least[records] = min(each.wal_bytes, least.get(records, each.wal_bytes))
    return Cost(
        rows=median_low(each.rows for each in plays),
        buffers=median_low(each.buffers for each in plays),
        wal_records=median_low(each.wal_records for each in plays),
        wal_bytes=median_low(each.wal_bytes for each in plays),
        wal_least=least,
        us=median_low(each.us for each in plays),
        hot=sum(each.hot for each in plays) / updated if updated else None,
    )


def _cost_or_refusal(plays: tuple[Play, ...] | str) -> Cost | str:
    return plays if isinstance(plays, str) else cost_of(plays)


def _turns(wanted: Mapping[str, int], first_actor: int) -> Mapping[str, list[int]]:
    """So many actors for each arm, dealt like cards."""
    dealt: dict[str, list[int]] = {arm: [] for arm in wanted}
    turns = (arm for turn in range(max(wanted.values())) for arm, count in wanted.items() if turn < count)
    for actor, arm in enumerate(turns, first_actor):
        dealt[arm].append(actor)
    return dealt


def _dropping(table: str, index: OwnIndex) -> sql.Composed:
    if index.constraint is None:
        return sql.SQL("DROP INDEX {} CASCADE").format(sql.SQL(index.name))
    return sql.SQL("ALTER TABLE {} DROP CONSTRAINT {} CASCADE").format(sql.SQL(table), sql.Identifier(index.constraint))
