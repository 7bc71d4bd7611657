"""The values of a Run other than its findings: what the server showed of the head, its files, its document."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from pgcontract.contract import Migration, Project
from pgcontract.errors import CouldNotAsk
from pgcontract.model.sql import Script, as_written
from pgcontract.probes.context import Context
from pgcontract.result import DocumentInfo, Measurements, Observations, ScriptFile

if TYPE_CHECKING:
    from pgcontract.performance.measurements import MeasuredPromise


def observe(head: Context | None, measured: Iterable[MeasuredPromise]) -> Observations:
    """What the server showed: the head's declared schema as the server spells it, what its script made or changed, and
    what was measured; without the schemas where the script could not be applied, or nothing was asked of the head."""
    measurements = _collect(tuple(measured))
    if head is not None and head.has_server:
        with suppress(CouldNotAsk):
            return Observations(spelled=head.spelling.schema, live=head.changed_parts, measurements=measurements)
    return Observations(measurements=measurements)


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
