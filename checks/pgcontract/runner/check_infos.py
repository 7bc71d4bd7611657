"""Every check that a Run may have a finding of: those of the rules, and those that the verdict answers itself."""

from __future__ import annotations

from collections.abc import Mapping

from pgcontract.result import CheckInfo
from pgcontract.rules.registry import checks
from pgcontract.runner.decisions import DECISIONS


def check_infos() -> Mapping[str, CheckInfo]:
    """By id, sorted."""
    infos = (*(check.info for check in checks().values()), *DECISIONS)
    return {info.id: info for info in sorted(infos, key=lambda info: info.id)}
