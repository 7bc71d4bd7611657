"""What the chain switches off and never on again: triggers, rules, row security, autovacuum."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pgcontract.contract.platform_evidence import SUPABASE
from pgcontract.model.qualified_name import QualifiedName, split_name
from pgcontract.model.schema import Origin
from pgcontract.model.sql import Statement
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.probes.script_words import names_in_code
from pgcontract.result import Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check, otherwise_kept
from pgcontract.rules.traps.made_parts import CATALOG, catalog_of_head, made_parts, origin_in_chain

_REPLICATION: Final = re.compile(
    r"(?:SET (?:SESSION )?session_replication_role (?:=|TO) ?(?P<role>\S+)|RESET (?:session_replication_role|ALL))",
    re.IGNORECASE,
)
_NO_VACUUM: Final = re.compile(r"(?P<name>(?:toast\.)?autovacuum_enabled)=(?:f|n|of|0).*", re.IGNORECASE)
_WRITES: Final = (("INSERT",), ("UPDATE",), ("DELETE",), ("COPY",), ("MERGE",))
_KINDS: Final = (("triggers", "trigger"), ("rules", "rule"), ("event_triggers", "event trigger"))


@check("object.enabled", subjects=catalog_of_head, severity=Severity.WARNING, head=True)
@otherwise_kept(CATALOG, "Nothing that the migrations switched off is left so.")
def object_enabled(context: Context) -> Iterator[Answer]:
    """Each trigger and rule that the chain switches off is on again at its end, and so is forced row security.

    Why it matters: a trigger that is switched off for a backfill and never on again is there, and does nothing: totals,
    audits and updated_at stop, and nothing fails.
    How it is measured: tgenabled and ev_enabled at the head of the chain, of triggers, event triggers and rules that it
    made; tables whose autovacuum a migration switches off (autovacuum_enabled, toast.autovacuum_enabled);
    session_replication_role where a pending file leaves it at replica; and tables whose row security a migration
    enables, or forces upon their owner, and a later statement takes off for good. One that the last migration makes and
    leaves switched off is noted; one that a contract declares so is told by its own check; ENABLE REPLICA is a choice.
    What to do: ENABLE it behind the statements that it was switched off for, in the same migration.
    """
    declared_off = {
        part.name for kind, _ in _KINDS for part in getattr(context.promise.declared, kind) if part.enabled == "disabled"
    }
    for kind, word in _KINDS:
        before = {_bare(part.name) for part in getattr(context.before, kind)}
        for part in made_parts(context, kind):
            if part.enabled != "disabled" or part.name in declared_off:
                continue
            table = getattr(part, "table", "")
            where, written = _switched_off(context.promise, part.name, table)
            # A partition's copy of its parent's trigger has no part of its own while it is enabled.
            begun = _bare(part.name) not in before and not written
            yield Answer(
                Status.NOTED if begun else Status.BROKEN,
                part.name,
                f"The {word} {part.name} is made by the last migration, and is switched off."
                if begun
                else f"The {word} {part.name} is switched off, and no migration switches it on again: it does nothing.",
                expected="enabled",
                actual="disabled",
                remedy=f"ALTER TABLE {table} ENABLE {word.upper()} {_bare(part.name)};"
                if table
                else f"ALTER EVENT TRIGGER {part.name} ENABLE;",
                origin=where or origin_in_chain(context.promise, kind.removesuffix("s"), part.name),
            )
    guarded = {policy.table for policy in context.after.policies}
    supabase = context.promise.project.platform == SUPABASE  # policy.in_force tells it there
    for table in made_parts(context, "tables"):
        forced = table.row_security
        if table.force_row_security if forced else supabase or table.name not in guarded:
            continue
        words = "FORCE ROW LEVEL SECURITY" if forced else "ENABLE ROW LEVEL SECURITY"
        against = "NO FORCE ROW LEVEL SECURITY" if forced else "DISABLE ROW LEVEL SECURITY"
        if origin := _taken_off(context.promise, table.name, words, against):
            whom = "whoever connects as its owner" if forced else "anybody"
            yield Answer(
                Status.BROKEN,
                table.name,
                f"{against} on {table.name} is never taken back: no policy of it holds for {whom}.",
                expected=words,
                actual=against,
                remedy=f"ALTER TABLE {table.name} {words}; behind what it was taken off for.",
                origin=origin,
            )
    declared = {(table.name, option) for table in context.promise.declared.tables for option in table.options}
    for table in made_parts(context, "tables"):
        for option in table.options:
            match = _NO_VACUUM.fullmatch(option)
            origin = _unvacuumed(context.promise, table.name) if match and (table.name, option) not in declared else None
            if match is None or origin is None:
                continue
            yield Answer(
                Status.BROKEN,
                table.name,
                f"{option} stays on {table.name}: its dead rows stay, and its statistics are never renewed.",
                expected="autovacuum as the server does it",
                actual=option,
                remedy=f"ALTER TABLE {table.name} RESET ({match['name']}); behind what it was switched off for.",
                origin=origin,
            )
    for origin in _replicating(context.promise):
        yield Answer(
            Status.BROKEN,
            "session_replication_role",
            "session_replication_role stays replica behind the file: what the same session runs next, such as the next "
            "migration, fires no trigger and checks no foreign key.",
            expected="RESET session_replication_role",
            actual="replica",
            remedy="SET LOCAL in a transaction, or RESET session_replication_role; at the end.",
            origin=origin,
        )


def _bare(name: str) -> str:
    return split_name(name)[0][-1]


def _switched_off(promise: Promise, name: str, table: str) -> tuple[Origin | None, bool]:
    """The last statement that switches it off, by its name or with all others of its table, and whether one behind it
    writes to the table."""
    found, written = None, False
    bare = _bare(name).strip('"')
    for path, statement in _statements(promise):
        text = statement.text
        if table and not names_in_code(text, QualifiedName.parse(table).name):
            continue
        if "DISABLE" in text.upper() and any(names_in_code(text, word) for word in (bare, "user", "all")):
            found, written = _place(path, statement), False
        written = written or statement.words[:1] in _WRITES
    return found, written


def _replicating(promise: Promise) -> Iterator[Origin]:
    """Where a pending file sets its session to fire no trigger, and does not set that back."""
    for link in promise.project.pending:
        found = None
        for statement in link.up.statements:
            match = _REPLICATION.match(" ".join(statement.text.split()))
            if match is None:
                continue
            off = (match["role"] or "").strip("'\"").lower() == "replica"
            found = _place(link.up.path, statement) if off else None
        if found is not None:
            yield found


def _unvacuumed(promise: Promise, table: str) -> Origin | None:
    """The last statement that switches its autovacuum off, where that is not the one that makes the table: who makes one
    so means it."""
    bare, found = QualifiedName.parse(table).name, None
    for path, statement in _statements(promise):
        if "autovacuum_enabled" in statement.text.lower() and "RESET" not in statement.words:
            is_loop = statement.words[:1] == ("DO",)
            if is_loop or (statement.words[:1] == ("ALTER",) and names_in_code(statement.text, bare)):
                found = _place(path, statement)
    return found


def _taken_off(promise: Promise, table: str, words: str, against: str) -> Origin | None:
    """The last statement with the words `against`, where an earlier one had the `words`."""
    bare, on, found = QualifiedName.parse(table).name, False, None
    for path, statement in _statements(promise):
        text = " ".join(statement.text.upper().split())
        if "ROW LEVEL SECURITY" not in text or not names_in_code(statement.text, bare):
            continue
        if against in text:
            found = _place(path, statement) if on else None
        elif words in text:
            on, found = True, None
    return found


def _statements(promise: Promise) -> Iterator[tuple[str, Statement]]:
    return ((link.up.path, statement) for link in promise.project.chain for statement in link.up.statements)


def _place(path: str, statement: Statement) -> Origin:
    return Origin(file=statement.path or path, line=statement.line, column=statement.column)
