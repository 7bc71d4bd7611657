"""Pairs of SQL that differ in one clause, in TOML: `bad` is told and `good` is not, which stands there whole or as [what
stands in `bad`, what instead]; what has no `bad` is right as well."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from obtaining import USUAL_SERVER
from pgcontract.contract import load_project
from pgcontract.result import Finding, RunOptions, Status
from pgcontract.runner import verify
from written_files import write_files

_FOLDER = Path(__file__).parent


def read_pairs(path: str) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """The pairs of the file, and what is only good; each with its `name`."""
    pairs = [{"name": name, **pair} for name, pair in tomllib.loads((_FOLDER / path).read_text("utf-8")).items()]
    for pair in pairs:
        if isinstance(pair["good"], list):
            old, new = pair["good"]
            assert pair["bad"].count(old) == 1, f"{path}: {pair['name']}"
            pair["good"] = pair["bad"].replace(old, new)
    return [pair for pair in pairs if "bad" in pair], [pair for pair in pairs if "bad" not in pair]


def findings_of(
    folder: Path, files: Mapping[str, str], checks: tuple[str, ...], pg: str = USUAL_SERVER
) -> tuple[Finding, ...]:
    """What the checks say of the files, none of which they could not answer."""
    findings = verify(load_project(write_files(folder, files)), RunOptions(only=checks, pg=pg)).findings
    unanswered = [finding for finding in findings if finding.status in (Status.ERROR, Status.UNKNOWN)]
    assert [] == [(finding.summary, [piece.text for piece in finding.evidence]) for finding in unanswered]
    return findings
