"""The script's text against the catalog: the objects it creates, and the statements that could not be parsed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pgcontract.model.schema import PART_TYPES, UNCOMMENTED, Origin
from pgcontract.model.sql import Created
from pgcontract.model.wording import number_of
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.result import Evidence, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check, only_claimed

# Kinds whose names in the text and in the catalog are the same word; a grant or comment is judged by its own check.
_COMPARED = {part.kind for part in PART_TYPES.values()} - UNCOMMENTED | {"extension"}


def _script_subject(_: Promise) -> tuple[str, ...]:
    return ("script",)


@check("script.objects_created", subjects=_script_subject, promised=only_claimed)
def script_objects_created(context: Context) -> Iterator[Answer]:
    """Everything that the script creates by its text is there after it has run.

    Why it matters: IF NOT EXISTS, a condition in a DO block or a later DROP can make a CREATE statement do nothing.
    How it is measured: the statements are parsed (queries by sqlglot, all others by their first words) into a list of
    objects with line numbers, and each is looked up in the catalog; without a server, in the contract.
    What to do: look at the statement at the given line.
    """
    promise = context.promise
    if not promise.script.parsed:
        yield Answer(
            Status.NOTED,
            "script",
            f"The file has {promise.script.bytes:,} bytes; its text was not parsed, only its result checked.",
        )
        return
    left = [created for created in promise.inventory.remaining if created.kind in _COMPARED]
    if not context.has_server and promise.contract is None:
        evidence = [_created_evidence(left)]
        summary = f"The text creates {len(left)} objects; there is neither a server nor a contract to compare them with."
        yield Answer(Status.NOTED, "script", summary, evidence=evidence)
        return
    catalog = context.after if context.has_server else promise.declared
    present = {(part.kind, part.name) for part in catalog.parts()}
    where = "in the catalog" if context.has_server else "in the contract"
    missing = [created for created in left if (created.kind, created.name) not in present]
    for created in missing:
        yield Answer(
            Status.BROKEN,
            f"{created.kind} {created.name}",
            f"Line {created.line} creates the {created.kind} {created.name}, which is not {where} afterwards.",
            expected="present",
            actual="absent",
            remedy="Look for IF NOT EXISTS, a condition, or a later statement that drops it."
            if context.has_server
            else "Declare it in the contract, or remove it from the migration.",
            origin=Origin(file=created.file or promise.script.path, line=created.line),
        )
    if not missing:
        yield Answer(
            Status.KEPT,
            "script",
            f"Everything that the text creates is {where}: {number_of(len(left), 'objects')}.",
            evidence=[_created_evidence(left)],
        )


def _created_evidence(created: Sequence[Created]) -> Evidence:
    return Evidence(
        title="Objects that the text creates",
        columns=("line", "kind", "name"),
        rows=tuple((str(item.line), item.kind, item.name) for item in created),
    )


@check("script.parsed", subjects=_script_subject, tells_gaps=True)
def script_parsed(context: Context) -> Iterator[Answer]:
    """Every statement of the script can be read from its text.

    Why it matters: what a DO block or dynamic SQL does is not in its text; only the catalog shows it.
    How it is measured: statements that neither parser understands are listed with line and reason. Where the catalog was
    checked they are only noted; without a server, what they do is unknown.
    What to do: nothing, where a server was used; else run pgcontract with one (--pg).
    """
    promise = context.promise
    if not promise.script.parsed:
        yield Answer(Status.NOTED, "script", "The file is above 5 MB; its text was not parsed.")
        return
    unread = promise.inventory.unread
    number = len(promise.script.statements)
    if not unread:
        yield Answer(Status.KEPT, "script", f"The text was parsed whole: {number_of(number, 'statements')}.")
        return
    files = {statement.number: statement.path for statement in promise.script.statements}
    lines = {statement.number: statement.line for statement in promise.script.statements}
    rows = tuple((str(passage.line or lines[passage.statement]), passage.reason) for passage in unread)
    judged = context.has_server
    yield Answer(
        Status.NOTED if judged else Status.UNKNOWN,
        "script",
        f"{len(unread)} of {number} statements could not be parsed from their text; "
        + ("what they did was checked in the catalog." if judged else "nothing else checked what they do."),
        remedy=None if judged else "Run it with a server: --pg auto.",
        evidence=[Evidence(title="Unparsed statements", columns=("line", "reason"), rows=rows)],
        origin=Origin(file=files[unread[0].statement] or promise.script.path, line=int(rows[0][0])),
    )
