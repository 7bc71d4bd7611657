"""What a report prints about the things judged, as plain JSON values gathered from promise and context."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from pgcontract.contract import Migration, Project
from pgcontract.errors import CouldNotAsk
from pgcontract.model.schema import Part, Schema
from pgcontract.model.sql import Script
from pgcontract.performance.measurements import MeasuredPromise, performance_facts
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise


def collect_facts(promise: Promise, context: Context | None, measured: Iterable[MeasuredPromise] = ()) -> dict[str, Any]:
    """Script, rollback script, declared and live schema of the head, and what was measured; what no server showed is
    left out."""
    performance = performance_facts(measured)
    declared = promise.declared
    live: Schema | None = None
    if context is not None and context.has_server:
        try:
            declared = context.spelling.schema if promise.contract else context.changed_parts
            live = context.changed_parts
        except CouldNotAsk:
            live = None
    claims = promise.contract.claims if promise.contract else ()
    return {
        "script": {
            **_script_facts(promise.script),
            "bytes": promise.script.bytes,
            "statements": len(promise.script.statements),
        },
        "way_back": _script_facts(promise.rollback) if promise.rollback else None,
        "platform": promise.project.platform,
        "production": promise.project.postgres,
        "declared": schema_facts(declared),
        "live": schema_facts(live) if live is not None else None,
        "pending": [claim.id for claim in claims if claim.pending],
        **({"performance": performance} if performance else {}),
    }


def _script_facts(script: Script) -> dict[str, Any]:
    return {"path": script.path, "sha256": script.sha256, "lines": script.lines, "text": script.text}


def schema_facts(schema: Schema) -> dict[str, list[dict[str, Any]]]:
    """Each kind's parts as mappings of their fields; without origins and pinned spellings."""
    return {
        field.name: [_part_facts(part) for part in getattr(schema, field.name)]
        for field in fields(schema)
        if getattr(schema, field.name)
    }


def _part_facts(part: Part) -> dict[str, Any]:
    words: dict[str, Any] = {}
    for field in fields(part):
        if field.name not in ("origin", "same_as"):
            value = getattr(part, field.name)
            words[field.name] = list(value) if isinstance(value, tuple) else value
    return words


def document_facts(project: Project, migration: Migration, environment: Mapping[str, str]) -> dict[str, Any]:
    """Title, date, owner and the like: the chain's, overridden by the migration's own, then by the environment."""
    document: dict[str, Any] = {**project.document, **(migration.contract.document if migration.contract else {})}
    document["project_ref"] = environment.get("PGCONTRACT_PROJECT_REF") or document.get("project_ref")
    return document
