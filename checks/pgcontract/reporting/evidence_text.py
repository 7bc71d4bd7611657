"""One piece of evidence whole, as plain text: what was asked, what was sent and answered, and what it is true of."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from importlib.resources import files

from pgcontract.errors import InputError
from pgcontract.reporting.finding_status import status_label
from pgcontract.reporting.markup import visible
from pgcontract.reporting.run_view import KIND_BY_FIELD, RunView
from pgcontract.result import Evidence, Finding, Run, Status
from pgcontract.result.check_info import family_of

_NOT_THE_SERVERS = ("origin", "purpose", "same_as")
_ID = re.compile(r"E([1-9][0-9]{0,9})")


def evidence_text(run: Run, evidence_id: str) -> str:
    """The finding with that id in run.json. InputError where there is none."""
    found = _ID.fullmatch(evidence_id)
    if not found or int(found[1]) > len(run.findings):
        many = len(run.findings)
        raise InputError(
            f"this run has no evidence {evidence_id!r}; its ids go from E1 to E{many}, as reports print them."
        )
    finding = run.findings[int(found[1]) - 1]
    lines = [f"{evidence_id}  {RunView(run).name(finding)}: {status_label(finding)}", *_finding(run, finding)]
    return "\n".join(visible(line, lines=True) for line in lines) + "\n"


def _finding(run: Run, finding: Finding) -> Iterator[str]:
    info = next((check for check in run.checks if check.id == finding.check), None)
    yield finding.summary
    pairs = (("expected", finding.expected), ("found", finding.actual), ("settled", finding.resolution),
             ("to do", finding.remedy), ("at", finding.origin and str(finding.origin)),
             ("claims", ", ".join(finding.claims)))  # fmt: skip
    yield from (f"{label}: {text}" for label, text in pairs if text)
    if info:
        yield from ("", f"What was asked: {info.title}.", info.how)
    for evidence in finding.evidence:
        yield from ("", f"{evidence.title}:", *_evidence(evidence))
    if not finding.evidence:
        yield from _catalog(run, finding)
    yield from ("", "What it is true of:")
    server = f"PostgreSQL {run.server.version} ({run.server.provider})" if run.server else "no server was asked"
    yield f"  server     {server}, {run.started}"
    yield f"  seed       {'none' if run.options.seed is None else run.options.seed}"
    yield f"  tool       pgcontract {run.pgcontract}"
    for source in run.sources:
        if source.migration in ("", finding.migration, finding.at or finding.migration):
            yield f"  {source.role:<10} {source.path}  SHA-256 {source.sha256}"


def _evidence(evidence: Evidence) -> Iterator[str]:
    if evidence.text is not None:
        yield from evidence.text.strip("\n").split("\n")
    if evidence.columns:
        yield " | ".join(evidence.columns)
        yield from (" | ".join(row) for row in evidence.rows)


def _catalog(run: Run, finding: Finding) -> Iterator[str]:
    """What the server's catalog has of the part that the finding is about, where the Run holds it, and how it was asked.
    What is kept is as declared, and what is declared is held as the server spells it."""
    family = family_of(finding.check)
    kept = (run.declared,) if finding.status is Status.KEPT else ()
    for schema in filter(None, (run.live, *kept)):
        for field, kind in KIND_BY_FIELD.items():
            for part in getattr(schema, field):
                if finding.subject in (part.name if kind == family else "", f"{kind} {part.name}"):
                    yield from ("", "The server's catalog has:")
                    values = ((one.name, getattr(part, one.name)) for one in dataclasses.fields(part))
                    yield from (f"  {name} = {value!r}" for name, value in values if name not in _NOT_THE_SERVERS)
                    query = files("pgcontract.catalog").joinpath("sql", f"{field}.sql")
                    yield from ("", "It was asked with:", *query.read_text(encoding="utf-8").strip().split("\n"))
                    return
