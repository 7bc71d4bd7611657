"""What other linters say of a pending file: notes under their own names, without what is told here already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from pgcontract.errors import CouldNotAsk
from pgcontract.model.schema import Origin
from pgcontract.probes.context import Context
from pgcontract.probes.linter_notes import LinterNote, ask_squawk
from pgcontract.probes.locks.trace import trace_locks
from pgcontract.probes.promise import Promise
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.pending import pending_script
from pgcontract.rules.registry import check, only_claimed

# Rules of squawk about locks and rewrites, whose facts are measured here.
_MEASURED: Final = frozenset(
    {
        "adding-field-with-default",
        "adding-foreign-key-constraint",
        "adding-not-nullable-field",
        "adding-serial-primary-key-field",
        "ban-alter-domain-with-add-constraint",
        "changing-column-type",
        "constraint-missing-not-valid",
        "disallowed-unique-constraint",
        "require-concurrent-index-creation",
        "require-concurrent-reindex",
    }
)
_TIMEOUT: Final = "require-lock-timeout"


def _asked(promise: Promise) -> tuple[str, ...]:
    return ("squawk",) if "squawk" in promise.linters and pending_script(promise) else ()


@check("script.linted", subjects=_asked, severity=Severity.INFO, promised=only_claimed)
def script_linted(context: Context) -> Iterator[Answer]:
    """Another linter has nothing to say of the file that is not told here (`--with squawk`).

    Why it matters: a team that lints with it already finds its rules here under the names it knows.
    How it is measured: the program reads what the migration's tool sends; what it says of a statement whose locks and
    work are told here is left out.
    What to do: what the rule's own page says; these are notes and decide nothing.
    """
    answer = ask_squawk(context.promise.script, context.promise.project.postgres)
    measured = _measured_lines(context)
    rules: dict[str, list[LinterNote]] = {}
    for note in answer.notes:
        if not (note.rule in _MEASURED and measured.get(note.line)) and not (note.rule == _TIMEOUT and measured):
            rules.setdefault(note.rule, []).append(note)
    for rule, notes in rules.items():
        lines = ", ".join(str(line) for line in dict.fromkeys(note.line for note in notes))
        yield Answer(
            Status.NOTED,
            f"squawk {rule}",
            f"{answer.version} says {rule} of line{'s' if ',' in lines else ''} {lines}: {notes[0].message}",
            evidence=[
                Evidence(
                    title=answer.version,
                    columns=("line", "rule", "message"),
                    rows=tuple((str(note.line), note.rule, note.message) for note in notes),
                )
            ],
            origin=Origin(file=notes[0].path, line=notes[0].line),
        )
    if not rules:
        yield Answer(Status.KEPT, "squawk", f"{answer.version} says nothing that is not told here.")


def _measured_lines(context: Context) -> Mapping[int, bool]:
    """Lines of statements that lock tables which were there before, each with whether its work is told."""
    try:
        trace = trace_locks(context)
    except CouldNotAsk:
        return {}
    return {
        traced.statement.line: bool(traced.work)
        for traced in trace.statements
        if traced.work or any(mode.blocks_writes for mode in traced.taken.values())
    }
