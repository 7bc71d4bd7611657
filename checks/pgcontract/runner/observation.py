"""The values of a Run other than its findings: what the server showed of the head, its files, its document."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pgcontract.contract import Migration, Project
from pgcontract.errors import CouldNotAsk
from pgcontract.model.schema import Schema
from pgcontract.model.sql import Script, as_written
from pgcontract.probes.context import Context
from pgcontract.probes.populated.losses import find_losses
from pgcontract.probes.populated.over_rows import run_over_rows
from pgcontract.probes.populated.stops import as_row_stop
from pgcontract.probes.roles.matrix import access_matrix
from pgcontract.result import (
    DocumentInfo,
    Effect,
    Measurements,
    Observations,
    PartName,
    ScriptFile,
)
from pgcontract.result.row_effects import RowLoss, RowStop

if TYPE_CHECKING:
    from pgcontract.performance.measurements import MeasuredPromise


def observe(head: Context | None, measured: Iterable[MeasuredPromise]) -> Observations:
    """What the server showed: the schema of the head's contract as the server spells it, what its script made or changed,
    and what was measured; without the schemas where the script could not be applied, or nothing was asked of the head."""
    measurements = _collect(tuple(measured))
    if head is not None and head.has_server:
        with suppress(CouldNotAsk):
            return Observations(
                spelled=head.spelling.schema if head.promise.contract else None,
                live=head.changed_parts,
                effect=_effect(head),
                measurements=measurements,
                access=access_matrix(head),
            )
    return Observations(measurements=measurements)


def _effect(head: Context) -> Effect:
    before, after = (_names(schema) for schema in (head.before, head.after))
    was_there, left = set(before), set(after)
    differing = _names(head.changed_parts)
    return Effect(
        made=tuple(part for part in differing if part not in was_there),
        changed=tuple(part for part in differing if part in was_there),
        dropped=tuple(part for part in before if part not in left),
    )


def _names(schema: Schema) -> tuple[PartName, ...]:
    return tuple(PartName(kind=part.kind, name=part.name) for part in schema.parts())


def row_effects(pending: Iterable[Context]) -> dict[str, Any]:
    """`stops` and `losses` of the migrations that were run over rows, in their order."""
    stops: list[RowStop] = []
    losses: list[RowLoss] = []
    for context in pending:
        with suppress(CouldNotAsk):
            key = context.promise.migration.key
            stops += (as_row_stop(key, stop) for stop in run_over_rows(context).stops)
            losses += find_losses(context)
    return {"stops": tuple(stops), "losses": tuple(losses)}


def _collect(measured: tuple[MeasuredPromise, ...]) -> Measurements:
    if not measured:
        return Measurements()
    from pgcontract.performance.measurements import collect_measurements

    return collect_measurements(measured)


def script_file(script: Script) -> ScriptFile:
    """The file as the report shows it."""
    return ScriptFile(
        path=script.path,
        sha256=script.sha256,
        lines=script.lines,
        bytes=script.bytes,
        statements=len(script.statements) if script.parsed else None,
        text=as_written(script),
    )


def document_info(project: Project, migration: Migration) -> DocumentInfo:
    """Title, date, owner and the like: the chain's, overridden by the migration's own."""
    return DocumentInfo(**{**project.document, **(migration.contract.document if migration.contract else {})})
