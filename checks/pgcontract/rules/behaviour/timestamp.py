"""Timestamps that the database sets, whatever the caller sends."""

from __future__ import annotations

from collections.abc import Iterator

from pgcontract.contract import Timestamp
from pgcontract.probes.context import Context
from pgcontract.probes.rows.timestamp_attempts import TIME
from pgcontract.probes.rows.timestamp_upkeep import DATABASE_TIME
from pgcontract.probes.rows.timestamp_writes import probe_growing_times, probe_timestamp_writes
from pgcontract.rules.answer import Answer
from pgcontract.rules.behaviour.declared import ask_each, names_of
from pgcontract.rules.behaviour.timestamp_evidence import growing, statement_by_statement, writes_answer
from pgcontract.rules.registry import check


def _is_set_on_insert(timestamp: Timestamp) -> bool:
    return "insert" in timestamp.set_on


def _is_increasing(timestamp: Timestamp) -> bool:
    return timestamp.increasing


@check("timestamp.set_on_insert", subjects=names_of(Timestamp, _is_set_on_insert), behaviour=True)
def timestamp_set_on_insert(context: Context) -> Iterator[Answer]:
    """On INSERT the database sets the timestamp, whether the client leaves it out or sends one.

    Why it matters: a default does not bind a client: one that names the column stores any value.
    How it is measured: the sample row is inserted without the column, with DEFAULT, with null, with times from a second
    to centuries off, and with those that the triggers' texts speak of; without the column also by COPY, upsert and MERGE,
    two rows at once, and with other values in every other column. A partition or child table with other rules is asked
    by itself. The stored time must lie between the start of the transaction and the server's time after the write. A
    write that sends a time may be rejected instead.
    What to do: set it in a BEFORE INSERT trigger, or revoke INSERT on the column.
    """

    def ask(timestamp: Timestamp) -> Answer:
        return writes_answer(
            timestamp,
            probe_timestamp_writes(context, timestamp),
            lambda write: write.event == "insert" and (not write.is_forged or write.kind == TIME),
            kept=f"The database sets {timestamp.column} on INSERT, whatever the client sends",
            broken=f"INSERT does not always set {timestamp.column} to the database's time",
        )

    yield from ask_each(context, Timestamp, ask, _is_set_on_insert)


@check("timestamp.set_on_update", subjects=names_of(Timestamp), behaviour=True)
def timestamp_set_on_update(context: Context) -> Iterator[Answer]:
    """On UPDATE the database sets the timestamp, whichever column changes; or leaves it, where UPDATE is not in set_on.

    Why it matters: if one kind of update does not set it, "last changed" is a guess.
    How it is measured: a row that is one day old is updated: column by column, to the value that it has and to others,
    from each value to another and two columns at once where a trigger names them, by upsert and MERGE, two rows at once,
    and by a move to another partition. A partition or child table with other rules is asked by itself.
    What to do: use a BEFORE UPDATE trigger FOR EACH ROW, without a column list and without WHEN.
    """

    def ask(timestamp: Timestamp) -> Answer:
        is_set = "update" in timestamp.set_on
        return writes_answer(
            timestamp,
            probe_timestamp_writes(context, timestamp),
            lambda write: write.event == "update" and not write.is_forged,
            kept=f"Every UPDATE sets {timestamp.column} to {DATABASE_TIME}"
            if is_set
            else f"No UPDATE changes {timestamp.column}",
            broken=f"Not every UPDATE sets {timestamp.column} to {DATABASE_TIME}"
            if is_set
            else f"An UPDATE can change {timestamp.column}, which only INSERT should set",
            reproduce=statement_by_statement,
            needs_one=is_set,
        )

    yield from ask_each(context, Timestamp, ask)


@check("timestamp.tamper_proof", subjects=names_of(Timestamp), behaviour=True)
def timestamp_tamper_proof(context: Context) -> Iterator[Answer]:
    """No client can set the timestamp to a value of its own: not by INSERT, UPDATE, COPY, MERGE or an upsert.

    Why it matters: an audit that relies on a row's timestamp relies on every client that can write it.
    How it is measured: times from a second to centuries before and after now, the ends of the calendar, null, DEFAULT,
    the time that the row has, and times near those that the triggers' texts speak of are sent by INSERT and UPDATE;
    some of them also in each other way that SQL has, on two rows at once, and together with other values in every other
    column, all at once that a trigger decides by, settings of the session among them. What a trigger or rule drops, or
    puts back as it was, is no write. A partition or child table with other rules is asked by itself. Where the contract
    does not set the timestamp on INSERT, an INSERT may write it.
    What to do: set it in a BEFORE INSERT OR UPDATE trigger, or revoke the column's INSERT and UPDATE privileges from
    clients.
    """

    def ask(timestamp: Timestamp) -> Answer:
        return writes_answer(
            timestamp,
            probe_timestamp_writes(context, timestamp),
            lambda write: write.is_forged,
            kept=f"No client can set {timestamp.column}",
            broken=f"A client can set {timestamp.column}",
        )

    yield from ask_each(context, Timestamp, ask)


@check("timestamp.increasing", subjects=names_of(Timestamp, _is_increasing), behaviour=True)
def timestamp_increasing(context: Context) -> Iterator[Answer]:
    """Every UPDATE of a row makes its timestamp later than it was.

    Why it matters: two changes with one timestamp have no order, and a reader of "all changes since T" misses the second.
    How it is measured: a row is inserted and updated twice in one transaction. Then a row whose timestamp is an hour in
    the future, as after the server's clock was set back, is updated: every other column by itself, by every kind of
    statement, and with times that the client sends. A partition or child table with other rules is asked by itself.
    What to do: use clock_timestamp() in place of now(), which is the start of the transaction; and make the new value at
    least the old one plus a microsecond, with greatest().
    """

    def ask(timestamp: Timestamp) -> Answer:
        return writes_answer(
            timestamp,
            probe_growing_times(context, timestamp),
            lambda write: True,
            kept=f"Every UPDATE of a row makes {timestamp.column} later",
            broken=f"An UPDATE does not always make {timestamp.column} later",
            reproduce=growing,
            needs_one=True,
        )

    yield from ask_each(context, Timestamp, ask, _is_increasing)
