"""Clocks: a time that the database keeps, whatever the caller says, in whatever order transactions commit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from psycopg import sql

from pgcontract.contract import Clock
from pgcontract.probes.context import CouldNotAsk, Promise, Trial
from pgcontract.probes.rows import identifier, told
from pgcontract.probes.rows.timestamp_forging import inserts, other_inserts, updates
from pgcontract.probes.rows.timestamp_upkeep import AS_IT_WAS, CLOCK, PAST, Keeping, Kept, keeping
from pgcontract.result.finding import Evidence, Finding, Status
from pgcontract.rules.registry import Subjects, answer, check

# Every function and operator that a trigger is likely to read the clock with, as an attacker would have it.
_ATTACK: Final = (
    "CREATE SCHEMA attacker",
    *(
        f"CREATE FUNCTION attacker.{name}() RETURNS timestamptz LANGUAGE sql AS $$ SELECT timestamptz '{PAST}' $$"
        for name in ("now", "clock_timestamp", "statement_timestamp", "transaction_timestamp")
    ),
    "CREATE FUNCTION attacker.plus(timestamptz, interval) RETURNS timestamptz LANGUAGE sql "
    f"AS $$ SELECT timestamptz '{PAST}' $$",
    "CREATE OPERATOR attacker.+ (FUNCTION = attacker.plus, LEFTARG = timestamptz, RIGHTARG = interval)",
    "SET LOCAL search_path = attacker, pg_catalog, public",
)


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A write, the time that is meant, and whether a refusal will do as well."""

    kept: Kept
    meant: str
    refusable: bool = False

    @property
    def wrong(self) -> bool:
        return self.kept.found != self.meant and not (self.refusable and self.kept.refused)


def _clocks(promise: Promise, *, event: str | None = None, increasing: bool = False) -> tuple[Clock, ...]:
    clocks = promise.contract.clocks if promise.contract else ()
    return tuple(
        each for each in clocks if (event is None or event in each.set_on) and (each.increasing or not increasing)
    )


def _names(*, event: str | None = None, increasing: bool = False) -> Subjects:
    return lambda promise: (each.name for each in _clocks(promise, event=event, increasing=increasing))


def _asked(clocks: tuple[Clock, ...], ask: Callable[[Clock], Finding]) -> Iterator[Finding]:
    for clock in clocks:
        try:
            yield ask(clock)
        except CouldNotAsk as error:
            summary = f"{str(error)[0].upper()}{str(error)[1:]}."
            yield answer(Status.UNKNOWN, clock.name, summary, origin=clock.origin)


@check("clock.insert", subjects=_names(event="insert"), behaviour=True)
def clock_insert(trial: Trial) -> Iterator[Finding]:
    """On INSERT the database sets the time, whether the caller leaves it out or gives one.

    Why it matters: a default is a courtesy; whoever names the column writes what he likes.
    How it is measured: the sample row is inserted without the column, with DEFAULT, with null, with a time long past
    and one far ahead. The time must lie between the start of the transaction and the clock after the write; a write
    that gives a time may be refused instead.
    What to do: set it in a BEFORE INSERT trigger, or make the column one that nobody may write.
    """

    def ask(clock: Clock) -> Finding:
        with keeping(trial, clock) as it:
            tried = [
                Tried(kept=it.insert("INSERT without the column"), meant=CLOCK),
                Tried(kept=it.insert("INSERT of DEFAULT", sql.SQL("DEFAULT")), meant=CLOCK),
                *_forged(inserts(it), CLOCK),
            ]
            return _finding(
                it,
                tried,
                kept=f"The database sets {clock.column} on INSERT, whatever the caller says",
                broken=f"{clock.column} is not the database's time after every INSERT",
            )

    yield from _asked(_clocks(trial.promise, event="insert"), ask)


@check("clock.update", subjects=_names(), behaviour=True)
def clock_update(trial: Trial) -> Iterator[Finding]:
    """On UPDATE the database sets the time, whichever column changes; or keeps it, where UPDATE is not among set_on.

    Why it matters: one path that does not set it, and "last changed" is a guess.
    How it is measured: a row that is a day old is updated, column by column, each to another value where the table
    accepts one, and once without any change.
    What to do: a BEFORE UPDATE trigger FOR EACH ROW, without a list of columns and without WHEN.
    """

    def ask(clock: Clock) -> Finding:
        with keeping(trial, clock) as it:
            it.start("-1 day")
            meant = _after_update(clock)
            changes = [(f"UPDATE of {name}", values) for name, values in it.changes()]
            changes.append(("UPDATE that changes nothing", it.touch()))
            return _finding(
                it,
                [Tried(kept=it.update(way, values), meant=meant) for way, values in changes],
                kept=f"After every UPDATE {clock.column} is {meant}",
                broken=f"{clock.column} is not {meant} after every UPDATE",
                paste=_pasted_apart,
            )

    yield from _asked(_clocks(trial.promise), ask)


@check("clock.forged", subjects=_names(), behaviour=True)
def clock_forged(trial: Trial) -> Iterator[Finding]:
    """No caller can write the time himself: not by INSERT, UPDATE, COPY or an upsert.

    Why it matters: an audit that believes the time of a row believes whoever wrote it.
    How it is measured: times long past, far ahead and null are written by each way that SQL has. What the contract
    does not set on INSERT may be written there.
    What to do: set it in a BEFORE INSERT OR UPDATE trigger, or revoke the column from callers.
    """

    def ask(clock: Clock) -> Finding:
        with keeping(trial, clock) as it:
            tried: list[Tried] = []
            if "insert" in clock.set_on:
                tried += _forged((*inserts(it), *other_inserts(it)), CLOCK)
            it.start("-1 day")
            tried += _forged(updates(it), _after_update(clock))
            return _finding(
                it,
                tried,
                kept=f"Nobody but the database writes {clock.column}",
                broken=f"A caller can write {clock.column} himself",
            )

    yield from _asked(_clocks(trial.promise), ask)


@check("clock.increasing", subjects=_names(increasing=True), behaviour=True)
def clock_increasing(trial: Trial) -> Iterator[Finding]:
    """Every UPDATE of a row makes its time later than it was.

    Why it matters: two changes with one time have no order, and who reads "all since T" misses the second.
    How it is measured: a row is inserted and updated twice in one transaction; and a row whose time is an hour ahead
    of the clock, as after the server's clock was set back, is updated.
    What to do: clock_timestamp() in place of now(), which is the transaction's start; and never less than the old
    value and a microsecond.
    """

    def ask(clock: Clock) -> Finding:
        rows = []
        with keeping(trial, clock) as it:
            name = identifier(clock.bare_column)
            shown = [*it.specimen.first, it.specimen.insert()]
            it.connection.execute(it.specimen.insert())
            for way in ("first UPDATE in the transaction of the INSERT", "second UPDATE in the same transaction"):
                rows.append((way, it.step()))
                shown += [it.specimen.update(it.touch()), it.specimen.select(name)]
            it.connection.execute(it.specimen.delete())
            it.start("1 hour")
            rows.append(("UPDATE of a row that is an hour ahead of the clock", it.step()))
        wrong = [row for row in rows if row[1] != "later"]
        evidence = [Evidence(title="What an UPDATE did to the time", columns=("write", "the time is"), rows=tuple(rows))]
        if not wrong:
            summary = f"Every UPDATE of a row makes {clock.column} later than it was."
            return answer(Status.KEPT, clock.name, summary, evidence=evidence, origin=clock.origin)
        return answer(
            Status.BROKEN,
            clock.name,
            f"An UPDATE of a row need not make {clock.column} later than it was.",
            expected="later",
            actual=f"{wrong[0][0]}: {wrong[0][1]}",
            remedy="Set it to greatest(clock_timestamp(), OLD's value + interval '1 microsecond').",
            evidence=[*evidence, Evidence(title="To see it happen", text=told(shown), language="sql")],
            origin=clock.origin,
        )

    yield from _asked(_clocks(trial.promise, increasing=True), ask)


@check("clock.path", subjects=_names(), behaviour=True)
def clock_path(trial: Trial) -> Iterator[Finding]:
    """The time is the database's own even where the caller's search_path holds another now().

    Why it matters: a function without a fixed search_path asks the caller which clock to read.
    How it is measured: a schema with its own now(), clock_timestamp(), statement_timestamp(),
    transaction_timestamp() and + stands before pg_catalog in the search_path; then the row is inserted and updated.
    What to do: SET search_path = '' on the trigger's function, and name pg_catalog in its body.
    """

    def ask(clock: Clock) -> Finding:
        with keeping(trial, clock) as it:
            tried = []
            for statement in _ATTACK:
                it.connection.execute(statement.encode())
            if "insert" in clock.set_on:
                tried.append(Tried(kept=it.insert("INSERT"), meant=CLOCK))
            it.start("-1 day")
            tried.append(Tried(kept=it.update("UPDATE", it.touch()), meant=_after_update(clock)))
            return _finding(
                it,
                tried,
                kept=f"No caller's search_path changes what {clock.column} is set to",
                broken=f"A caller's search_path changes what {clock.column} is set to",
                paste=_pasted_in_attack,
            )

    yield from _asked(_clocks(trial.promise), ask)


@check("clock.replica", subjects=_names(), behaviour=True)
def clock_replica(trial: Trial) -> Iterator[Finding]:
    """What session_replication_role = replica does to the time is told.

    Why it matters: who restores or replicates writes past triggers, and must; then times are whatever is written.
    How it is measured: under that setting, which only a superuser has or lends, the time is written by INSERT and UPDATE.
    What to do: nothing, or ENABLE ALWAYS TRIGGER where not even a restore may write it.
    """

    def ask(clock: Clock) -> Finding:
        trial.workbench.demand_superuser()
        with keeping(trial, clock) as it:
            it.start("-1 day")
            it.connection.execute("SET LOCAL session_replication_role = replica")
            kept = it.update("UPDATE", {clock.bare_column: sql.Literal(PAST)})
        past = kept.found == "as written"
        told = "switches off what sets" if past else "does not switch off what sets"
        return answer(
            Status.NOTED,
            clock.name,
            f"session_replication_role = replica, which only a superuser can set, {told} {clock.column}: a time that "
            f"is written then is {kept.found}.",
            evidence=[Evidence(title="The write", text=kept.statement, language="sql")],
            origin=clock.origin,
        )

    yield from _asked(_clocks(trial.promise), ask)


def _after_update(clock: Clock) -> str:
    return CLOCK if "update" in clock.set_on else AS_IT_WAS


def _forged(writes: Iterable[Kept], meant: str) -> list[Tried]:
    """Writes that name a time: to be refused is as good as to be overruled."""
    return [Tried(kept=kept, meant=meant, refusable=True) for kept in writes]


def _finding(
    it: Keeping,
    tried: list[Tried],
    *,
    kept: str,
    broken: str,
    paste: Callable[[Keeping, Kept], str] | None = None,
) -> Finding:
    rows = tuple((each.kept.way, each.meant, each.kept.found) for each in tried)
    evidence = [Evidence(title="What the time is after each write", columns=("write", "meant", "found"), rows=rows)]
    wrong = [each for each in tried if each.wrong]
    if not wrong:
        summary = f"{kept}: {len(tried)} writes tried."
        return answer(Status.KEPT, it.clock.name, summary, evidence=evidence, origin=it.clock.origin)
    first = wrong[0]
    text = (paste or _pasted)(it, first.kept)
    return answer(
        Status.BROKEN,
        it.clock.name,
        f"{broken}: {len(wrong)} of {len(tried)} writes tried.",
        expected=f"{first.kept.way}: {first.meant}{' or refused' if first.refusable else ''}",
        actual=first.kept.found,
        remedy="Set it in a BEFORE INSERT OR UPDATE trigger, FOR EACH ROW, that reads pg_catalog's clock itself.",
        evidence=[*evidence, Evidence(title="To see it happen", text=text, language="sql")],
        origin=it.clock.origin,
    )


def _pasted(it: Keeping, kept: Kept, *before: str) -> str:
    """In one transaction that leaves nothing behind."""
    new = kept.statement.startswith(("INSERT", "COPY")) and "there" not in kept.way
    there = [*it.specimen.first, *([] if new else [it.specimen.insert()])]
    return "\n".join(["BEGIN;", *before, *map(_line, there), kept.statement, _look(it), "ROLLBACK;"])


def _pasted_in_attack(it: Keeping, kept: Kept) -> str:
    return _pasted(it, kept, *(f"{each};" for each in _ATTACK))


def _pasted_apart(it: Keeping, kept: Kept) -> str:
    """Each statement in a transaction of its own: only then does the clock go on."""
    if not it.specimen.key or it.specimen.first:
        return _pasted(it, kept)
    return "\n".join([_line(it.specimen.insert()), kept.statement, _look(it), _line(it.specimen.delete())])


def _line(statement: sql.Composed) -> str:
    return f"{statement.as_string()};"


def _look(it: Keeping) -> str:
    now = sql.SQL("pg_catalog.now()")
    return _line(it.specimen.select(identifier(it.clock.bare_column), now))
