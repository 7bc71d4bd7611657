"""What a report needs to know of a check: its promise in words, what breaking it weighs, what its answers rest on."""

from __future__ import annotations

from enum import Enum

from pgcontract.result.status import Severity
from pgcontract.values import dataclass


class Correctable(Enum):
    """What may stand in the place of a claim that the check refutes, so that it does not block.

    STATEMENT: the claim that a later migration makes under the same id. WORDS: that, or a corrected sentence.
    """

    NEVER = "never"
    STATEMENT = "statement"
    WORDS = "words"


@dataclass(frozen=True, kw_only=True)
class CheckInfo:
    """One check in words, and what reports and verdict make of its findings.

    `title` is the promise, without a full stop; `why` it matters, `how` it is measured and what to do (`remedy`) are a
    paragraph each. `measures`: its findings rest on figures, which differ from run to run; `timed`: on times, which
    hold on this machine on this day. `version_features` name what PostgreSQL brought that changes its answers though
    nobody used it. `comes_first`: where it is broken, nothing else could be asked as it was meant. `tells_gaps`: what
    it notes was not looked at. `restates_claims`: its findings repeat what became of each claim. `plugin` is the
    distribution that brings it, with its version; empty where it is pgcontract's.
    """

    id: str
    title: str
    why: str
    how: str
    remedy: str
    severity: Severity = Severity.ERROR
    correctable: Correctable = Correctable.NEVER
    measures: bool = False
    timed: bool = False
    version_features: tuple[str, ...] = ()
    comes_first: bool = False
    tells_gaps: bool = False
    restates_claims: bool = False
    plugin: str = ""

    @property
    def family(self) -> str:
        """`column` of `column.type`."""
        return family_of(self.id)


def family_of(check: str) -> str:
    """`column` of the check's id `column.type`."""
    return check.partition(".")[0]
