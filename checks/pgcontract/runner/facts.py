"""What a report prints about the things judged, as plain JSON values gathered from promise and trial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from pgcontract.contract import Migration, Project
from pgcontract.model.schema import Part, Schema
from pgcontract.model.sql import Script
from pgcontract.performance.measurements import told
from pgcontract.probes.context import CouldNotAsk, Promise, Trial


def observed_facts(promise: Promise, trial: Trial | None) -> dict[str, Any]:
    """Script, way back, declared and live shape of the head; what no server showed is left out."""
    declared = promise.declared
    live: Schema | None = None
    if trial is not None and trial.has_server:
        try:
            declared = trial.spelling.schema if promise.contract else trial.made
            live = trial.made
        except CouldNotAsk:
            live = None
    claims = promise.contract.claims if promise.contract else ()
    return {
        "script": {
            **_script(promise.script),
            "stem": promise.migration.stem,
            "bytes": promise.script.bytes,
            "statements": len(promise.script.statements),
        },
        "way_back": _script(promise.way_back) if promise.way_back else None,
        "platform": promise.project.platform,
        "production": promise.project.postgres,
        "declared": told_schema(declared),
        "live": told_schema(live) if live is not None else None,
        "pending": [claim.id for claim in claims if claim.pending],
        **({"performance": measured} if (measured := told(trial) if trial is not None else None) else {}),
    }


def _script(script: Script) -> dict[str, Any]:
    return {"path": script.path, "sha256": script.sha256, "lines": script.lines, "text": script.text}


def told_schema(schema: Schema) -> dict[str, list[dict[str, Any]]]:
    """Each kind's parts as mappings of their fields; origins and pins are the contract's own matter."""
    return {
        field.name: [_part(part) for part in getattr(schema, field.name)]
        for field in fields(schema)
        if getattr(schema, field.name)
    }


def _part(part: Part) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for field in fields(part):
        if field.name not in ("origin", "same_as"):
            value = getattr(part, field.name)
            told[field.name] = list(value) if isinstance(value, tuple) else value
    return told


def told_document(project: Project, migration: Migration, environment: Mapping[str, str]) -> dict[str, Any]:
    """Title, date, owner and the like: the chain's, overridden by the migration's own, then by the environment."""
    told: dict[str, Any] = {**project.document, **(migration.contract.document if migration.contract else {})}
    told["project_ref"] = environment.get("PGCONTRACT_PROJECT_REF") or told.get("project_ref")
    return told
