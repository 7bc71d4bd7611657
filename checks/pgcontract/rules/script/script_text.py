"""The script's text against what is there: what it says it creates, and what could not be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pgcontract.model.schema import Origin
from pgcontract.model.sql import Created
from pgcontract.probes.context import Promise, Trial
from pgcontract.result.finding import Evidence, Finding, Status
from pgcontract.rules.registry import answer, check
from pgcontract.rules.shape.object_count import counted

# Kinds whose names in the text and in the catalog are the same word; a grant or comment is judged by its own check.
_COMPARED = frozenset(
    {
        "schema",
        "extension",
        "table",
        "column",
        "constraint",
        "index",
        "trigger",
        "function",
        "view",
        "rule",
        "type",
        "sequence",
        "policy",
        "event_trigger",
        "publication",
        "statistics",
    }
)


def _script(_: Promise) -> tuple[str, ...]:
    return ("script",)


@check("text.inventory", subjects=_script, server=False)
def text_inventory(trial: Trial) -> Iterator[Finding]:
    """Everything that the text says it creates is there when it has run.

    Why it matters: IF NOT EXISTS, a condition in a DO block or a later DROP make a statement that is written do
    nothing.
    How it is measured: the statements are read (by sqlglot, else by their heads) into a list of objects with line
    numbers, and each is looked up in the catalog; without a server, in the contract.
    What to do: look at the statement of the given line.
    """
    promise = trial.promise
    if not promise.script.parsed:
        yield answer(
            Status.NOTED,
            "script",
            f"The file has {promise.script.bytes:,} bytes; its text was not read, only its result judged.",
        )
        return
    left = [each for each in promise.inventory.left if each.kind in _COMPARED]
    if not trial.has_server and promise.contract is None:
        evidence = [_listing(left)]
        summary = f"The text says it creates {len(left)} objects; neither a server nor a contract says the same."
        yield answer(Status.NOTED, "script", summary, evidence=evidence)
        return
    catalog = trial.after if trial.has_server else promise.declared
    there = {(part.kind, part.name) for part in catalog.parts()}
    where = "in the catalog" if trial.has_server else "in the contract"
    missing = [each for each in left if (each.kind, each.name) not in there]
    for each in missing:
        yield answer(
            Status.BROKEN,
            f"{each.kind} {each.name}",
            f"Line {each.line} says it creates the {each.kind} {each.name}, which is not {where} afterwards.",
            expected="present",
            actual="absent",
            remedy="Look for an IF NOT EXISTS, a condition or a later statement that undoes it."
            if trial.has_server
            else "Declare it in the contract, or take it out of the migration.",
            origin=Origin(file=promise.script.path, line=each.line),
        )
    if not missing:
        yield answer(
            Status.KEPT,
            "script",
            f"What the text says it creates is {where}: {counted(len(left), 'objects')}.",
            evidence=[_listing(left)],
        )


def _listing(created: Sequence[Created]) -> Evidence:
    return Evidence(
        title="What the text says it creates",
        columns=("line", "kind", "name"),
        rows=tuple((str(each.line), each.kind, each.name) for each in created),
    )


@check("text.readable", subjects=_script, server=False)
def text_readable(trial: Trial) -> Iterator[Finding]:
    """Every statement of the script is read, or told as unread.

    Why it matters: what a DO block or dynamic SQL does is not in its text; only the catalog can tell.
    How it is measured: statements that neither reader understands are listed with line and reason. Where the catalog
    judged the result they are noted; where no server was asked, what they do is unknown.
    What to do: nothing, where a server was asked; else run the gate with one.
    """
    promise = trial.promise
    if not promise.script.parsed:
        yield answer(Status.NOTED, "script", "The file is above 5 MB; its text was not read.")
        return
    unread = promise.inventory.unread
    number = len(promise.script.statements)
    if not unread:
        yield answer(Status.KEPT, "script", f"The text was read whole: {counted(number, 'statements')}.")
        return
    lines = {statement.number: statement.line for statement in promise.script.statements}
    rows = tuple((str(each.line or lines[each.statement]), each.reason) for each in unread)
    judged = trial.has_server
    yield answer(
        Status.NOTED if judged else Status.UNKNOWN,
        "script",
        f"{len(unread)} of {number} statements could not be read from their text; "
        + ("the catalog judged what they make." if judged else "nothing else judged what they make."),
        remedy=None if judged else "Run the gate with a server.",
        evidence=[Evidence(title="Unread statements", columns=("line", "reason"), rows=rows)],
        origin=Origin(file=promise.script.path, line=int(rows[0][0])),
    )
