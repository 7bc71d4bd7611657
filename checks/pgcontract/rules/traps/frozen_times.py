"""Expressions in which the moment of the migration is frozen: 'now' in quotes is read once."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Final

from pgcontract.model.schema import Part
from pgcontract.model.sql.frozen_times import WORDS
from pgcontract.probes.context import Context
from pgcontract.probes.thawed_times import thawed
from pgcontract.result import Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check
from pgcontract.rules.traps.made_parts import CATALOG, catalog_of_head, made_parts, origin_in_chain

# The kinds whose expressions are read again and again; the bounds of partitions are meant to stay.
_KINDS: Final = ("columns", "constraints", "indexes", "views", "rules", "types", "policies", "triggers")
_WORDS: Final = re.compile(rf"'\s*({'|'.join(WORDS)})\s*'", re.IGNORECASE)
_LIVE: Final = {"now": "now()", "today": "CURRENT_DATE", "tomorrow": "CURRENT_DATE + 1", "yesterday": "CURRENT_DATE - 1"}


@check("expression.not_frozen", subjects=catalog_of_head, severity=Severity.WARNING, head=True)
def expression_not_frozen(context: Context) -> Iterator[Answer]:
    """No expression keeps the moment at which the migration ran.

    Why it matters: 'now', 'today', 'tomorrow' and 'yesterday' in quotes are read once, as the statement is: a default
    gives every later row the moment of the deploy, a view and a policy compare with it, a CHECK refuses what comes later.
    How it is measured: the scripts have such a word, and a default, CHECK, index, view, rule, trigger or policy that they
    leave at the head of the chain has the time in its place, as the catalog prints it.
    What to do: write now() or CURRENT_DATE, without quotes.
    """
    chain = context.promise.project.chain
    words = frozenset(word.lower() for migration in chain for word in _WORDS.findall(migration.up.text))
    frozen = _frozen_parts(context, words) if words else ()
    of_tables = {(part.kind, getattr(part, "table", ""), part.quoted_name) for part, _ in frozen}
    parents = {table.name: (table.partition_of, *table.inherits) for table in context.after.tables}
    found = False
    for part, written in frozen:
        above = parents.get(getattr(part, "table", ""), ())
        if any((part.kind, parent, part.quoted_name) in of_tables for parent in above):
            continue  # a partition has it from its partitioned table, a child from its parent
        found = True
        yield _answer(context, part, written)
    if not found:
        yield Answer(Status.KEPT, CATALOG, "No expression keeps the moment at which a migration ran.")


def _frozen_parts(context: Context, words: frozenset[str]) -> tuple[tuple[Part, str], ...]:
    """The parts that the chain made with such a time, each with its expression as it may have been written."""
    with context.sandbox.rolled_back(context.after_state) as connection:
        row = connection.execute("SELECT pg_catalog.now()::timestamp").fetchone()
    assert row is not None
    parts = (part for kind in _KINDS for part in made_parts(context, kind) if not getattr(part, "inherited", False))
    return tuple((part, text) for part in parts for text in [next(_frozen_texts(part, words, row[0]), None)] if text)


def _frozen_texts(part: Part, words: frozenset[str], now: dt.datetime) -> Iterator[str]:
    """Its expressions with the word in the place of each time that it became."""
    for field in fields(part):
        if field.metadata.get("how") == "expression":
            value = getattr(part, field.name)
            for text in value if isinstance(value, tuple) else (value,):
                written = thawed(text, words, now=now) if isinstance(text, str) else text
                if written != text:
                    yield written


def _answer(context: Context, part: Part, written: str) -> Answer:
    shown = " ".join(written.split())
    word = next((name for name in WORDS if f"'{name}'::" in written), "now")
    is_default = part.kind in ("column", "type")
    what = f"The default of {part.name}" if is_default else f"The {part.kind} {part.name}"
    effect = "every row gets that one" if is_default else "it compares with that one ever after"
    return Answer(
        Status.BROKEN,
        part.name,
        f"{what} keeps the moment at which the migration ran: '{word}' in quotes is read once, and {effect}.",
        expected=f"{_LIVE[word]}, which is read each time",
        actual=f"{shown}, with the time of the migration in the place of '{word}'",
        remedy=f"Write {_LIVE[word]} in the place of '{word}'.",
        origin=origin_in_chain(context.promise, part.kind, part.name),
    )
