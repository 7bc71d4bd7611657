"""What one check found of one subject, and what shows it."""

from __future__ import annotations

from dataclasses import field
from typing import Final

from pgcontract.model.schema import Origin
from pgcontract.result.status import Acceptance, Severity, Status
from pgcontract.values import dataclass

MENDED: Final = "mended by "  # how the resolution of what a later migration mended begins


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One piece of evidence: `text` (SQL, a message) or a table of `columns` and `rows`. Cells are already text."""

    title: str
    text: str | None = None
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    language: str = "text"


@dataclass(frozen=True, kw_only=True)
class Reweighed:
    """That a team's configuration, at `origin`, says what a finding weighs: by itself it is `own`, None for a note."""

    own: Severity | None
    origin: Origin


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one check found of one subject.

    `summary` is a sentence about this subject, with no file name and no time in it; `expected` before `actual`;
    `remedy` says what to do where something is wrong. `migration` is the key of the one that made the promise;
    `at` that of the later one in whose state it was judged, empty where it is the same. `resolution` is why a BROKEN
    does not block ("corrected: ...", "mended by ..."), why a WAIVED is accepted, or where an UNKNOWN was answered
    after all; `accepted` is what a WAIVED is accepted by. `follows` is the key of the migration whose failure it follows
    from: it decides nothing beside that one. `reweighed` tells of a severity that is not the check's own. A WAIVED has
    the severity of what is broken; one that could not be asked has none.
    """

    check: str
    subject: str
    status: Status
    severity: Severity | None = None
    summary: str
    expected: str | None = None
    actual: str | None = None
    remedy: str | None = None
    evidence: tuple[Evidence, ...] = ()
    claims: tuple[str, ...] = ()
    origin: Origin | None = None
    migration: str
    at: str = ""
    resolution: str | None = None
    accepted: Acceptance | None = None
    follows: str = ""
    reweighed: Reweighed | None = None
    seconds: float = field(default=0.0, compare=False)

    @property
    def item(self) -> str:
        """`check[subject]`, as pytest and --only name it."""
        return f"{self.check}[{self.subject}]"

    @property
    def mended(self) -> bool:
        """Whether it was broken, and is kept at the head of the chain."""
        return self.status is Status.BROKEN and (self.resolution or "").startswith(MENDED)

    @property
    def accepted_though_critical(self) -> bool:
        """Whether it is critical, and somebody accepts it: that is told wherever something wrong is."""
        return self.status is Status.WAIVED and self.critical

    @property
    def decides_nothing(self) -> bool:
        """Whether it is old, or light, and accepted: it is counted, and no reason for a verdict."""
        if self.accepted is Acceptance.BASELINE:
            return not self.accepted_though_critical
        return self.accepted is Acceptance.COMMENT and self.gravest in (Severity.WARNING, Severity.INFO)

    @property
    def shows_nothing(self) -> bool:
        """Whether it says neither that the promise is kept nor that it is broken, waived or not."""
        waived_unasked = self.status is Status.WAIVED and self.severity is None
        return waived_unasked or self.status in (Status.NOTED, Status.UNKNOWN, Status.ERROR)

    @property
    def unanswered(self) -> bool:
        """Whether it should have had an answer and has none: INCOMPLETE."""
        return self.status is Status.ERROR or (self.status is Status.UNKNOWN and self.resolution is None)

    @property
    def not_asked(self) -> bool:
        """Whether nobody promised it, and it could not be asked since a script was not applied."""
        return self.status is Status.NOTED and bool(self.follows)

    @property
    def gravest(self) -> Severity | None:
        """The heavier of what it weighs by itself and what it counts as: where it stands in a report."""
        own = self.reweighed.own if self.reweighed else None
        return min(filter(None, (own, self.severity)), key=list(Severity).index, default=None)

    @property
    def critical(self) -> bool:
        """Whether data is exposed, or lost without being said, whatever it counts as."""
        return self.gravest is Severity.CRITICAL

    @property
    def blocks(self) -> bool:
        return (
            self.status is Status.BROKEN
            and self.severity in (Severity.CRITICAL, Severity.ERROR)
            and self.resolution is None
        )
