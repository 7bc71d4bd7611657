"""Expressions in which the moment of the migration is frozen: 'now' in quotes is read once."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Final

import psycopg

from pgcontract.model.schema import Part
from pgcontract.model.sql.frozen_times import TIME, WORDS
from pgcontract.probes.context import Context
from pgcontract.probes.thawed_times import thawed
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check, otherwise_kept
from pgcontract.rules.traps.made_parts import CATALOG, catalog_of_head, made_parts, origin_in_chain
from pgcontract.values import dataclass

# The kinds whose expressions are read again and again; the bounds of partitions are meant to stay.
_KINDS: Final = ("columns", "constraints", "indexes", "views", "rules", "types", "policies", "triggers")
_WORDS: Final = re.compile(rf"'\s*({'|'.join(WORDS)})\s*'", re.IGNORECASE)
_TYPE: Final = re.compile(r"::(?:date|timestamp(?:\(\d\))?(?: with(?:out)? time zone)?)")
_DISTANCE: Final = {"tomorrow": " + 1", "yesterday": " - 1"}
_FROM: Final = {"1 day": "the day after the deploy", "1 second": "the second after the deploy"}
_LIVE: Final = {"now": "now()", "today": "CURRENT_DATE", "tomorrow": "CURRENT_DATE + 1", "yesterday": "CURRENT_DATE - 1"}


@check("expression.not_frozen", subjects=catalog_of_head, severity=Severity.WARNING, head=True)
@otherwise_kept(CATALOG, "No expression keeps the moment at which a migration ran.")
def expression_not_frozen(context: Context) -> Iterator[Answer]:
    """No expression keeps the moment at which the migration ran.

    Why it matters: 'now', 'today', 'tomorrow' and 'yesterday' in quotes are read once, as the statement is: a default
    gives every later row the moment of the deploy, a view and a policy compare with it, a CHECK refuses what comes later.
    How it is measured: the scripts have such a word, and a default, CHECK, index, view, rule, trigger or policy that they
    leave at the head of the chain has the time in its place, as the catalog prints it. The server says from when on that
    time is another than the one that is meant: a second after the deploy, or the day after.
    What to do: write now() or CURRENT_DATE, without quotes.
    """
    chain = context.promise.project.chain
    words = frozenset(word.lower() for migration in chain for word in _WORDS.findall(migration.up.text))
    frozen = _frozen_parts(context, words) if words else ()
    of_tables = {(one.part.kind, getattr(one.part, "table", ""), one.part.quoted_name) for one in frozen}
    parents = {table.name: (table.partition_of, *table.inherits) for table in context.after.tables}
    for one in frozen:
        part = one.part
        above = parents.get(getattr(part, "table", ""), ())
        if any((part.kind, parent, part.quoted_name) in of_tables for parent in above):
            continue  # a partition has it from its partitioned table, a child from its parent
        yield _answer(context, one)


@dataclass(frozen=True, kw_only=True)
class _Frozen:
    """A part with such a time: `text` as the catalog prints it, `written` as it may have been written. `later` is after
    how long the time is not the one that is meant, `asked` what the server was asked of it."""

    part: Part
    written: str
    word: str
    later: str
    asked: str


def _frozen_parts(context: Context, words: frozenset[str]) -> tuple[_Frozen, ...]:
    """The parts that the chain made with such a time."""
    with context.sandbox.rolled_back(context.after_state) as connection:
        row = connection.execute("SELECT pg_catalog.now()::timestamp").fetchone()
        assert row is not None
        parts = (part for kind in _KINDS for part in made_parts(context, kind) if not getattr(part, "inherited", False))
        return tuple(one for part in parts if (one := _frozen(connection, part, words, row[0])) is not None)


def _frozen(connection: psycopg.Connection, part: Part, words: frozenset[str], now: dt.datetime) -> _Frozen | None:
    """The first of its expressions with a time in it that a word became."""
    for field in fields(part):
        if field.metadata.get("how") != "expression":
            continue
        value = getattr(part, field.name)
        for text in value if isinstance(value, tuple) else (value,):
            for literal in TIME.finditer(text) if isinstance(text, str) else ():
                thawn = thawed(literal[0], words, now=now)
                if thawn == literal[0]:
                    continue
                word = thawn[1:].partition("'")[0]
                later, asked = _wrong_from(connection, literal, word)
                written = thawed(text, words, now=now)
                return _Frozen(part=part, written=written, word=word, later=later, asked=asked)
    return None


def _wrong_from(connection: psycopg.Connection, literal: re.Match[str], word: str) -> tuple[str, str]:
    """After how long the time is another than the one that is meant, and what the server was asked."""
    type_ = _TYPE.match(literal["type"])
    kept = literal[0].removesuffix(literal["type"])
    assert type_ is not None
    is_day = word != "now" or type_[0] == "::date"
    later = "1 day" if is_day else "1 second"
    clock = f"(pg_catalog.now() + interval '{later}'){'::date' if word != 'now' else ''}{_DISTANCE.get(word, '')}"
    meant = f"({clock}){type_[0]}"
    row = connection.execute(f"SELECT {kept}{type_[0]} IS DISTINCT FROM {meant}".encode()).fetchone()  # noqa: S608 - a constant
    assert row == (True,)
    return later, f"'{word}'{type_[0]} IS DISTINCT FROM {meant}"


def _answer(context: Context, frozen: _Frozen) -> Answer:
    part, word = frozen.part, frozen.word
    shown = " ".join(frozen.written.split())
    is_default = part.kind in ("column", "type")
    what = f"The default of {part.name}" if is_default else f"The {part.kind} {part.name}"
    effect = "every row gets that one" if is_default else "it compares with that one ever after"
    return Answer(
        Status.BROKEN,
        part.name,
        f"{what} keeps the moment at which the migration ran: '{word}' in quotes is read once, and {effect}; it is wrong "
        f"from {_FROM[frozen.later]} on.",
        expected=f"{_LIVE[word]}, which is read each time",
        actual=f"{shown}, with the time of the migration in the place of '{word}'",
        remedy=f"Write {_LIVE[word]} in the place of '{word}'.",
        evidence=[
            Evidence(
                title=f"So it is {frozen.later} later, '{word}' being the migration's", text=frozen.asked, language="sql"
            )
        ],
        origin=origin_in_chain(context.promise, part.kind, part.name),
    )
