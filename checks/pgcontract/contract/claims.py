"""claims.toml: what a document says, and the checks that decide whether it is so."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from typing import Final

from pydantic import Field

from pgcontract.contract.check_globs import matches_finding
from pgcontract.contract.declaration_models import Spec
from pgcontract.contract.declared_value import TEXT, DeclaredValue, Many, NonEmpty, TextValue
from pgcontract.contract.toml_positions import KeyPath
from pgcontract.contract.validation_errors import nearest

_REFERENCE: Final = r"^[a-z0-9_]+(\.[a-z0-9_]+)+(\[([^\[\]]|\[[^\[\]]*\])+\])?$"


class CheckRef(TextValue):
    """A check that something rests on."""

    text: str = Field(
        pattern=_REFERENCE,
        validation_alias=TEXT,
        description="`check.id` or `check.id[subject]`; in the brackets * and ? stand for anything.",
    )

    @cached_property
    def check(self) -> str:
        return self.text.partition("[")[0]

    @cached_property
    def subject(self) -> str | None:
        """A glob; None for all subjects."""
        return self.text.partition("[")[2].removesuffix("]") if "[" in self.text else None

    def names(self, check: str, subject: str) -> bool:
        """Whether what a check says of a subject is what this rests on."""
        return check == self.check and matches_finding(check, self.subject or "*", check, subject)

    def __str__(self) -> str:
        return self.text


class Correction(DeclaredValue):
    """The true statement in place of one that is not."""

    description: str = Field(min_length=1, description="What is true.")
    checks: NonEmpty[CheckRef] = Field(description="The checks that show it, each as `check.id` or `check.id[subject]`.")


class Claim(DeclaredValue):
    """One statement of the document."""

    id: str = Field(min_length=1, description="Its id in the document, as in G3.")
    section: str | None = Field(
        default=None,
        min_length=1,
        description="The id of the report's section that it stands in. Default: that of most of the checks it names.",
    )
    description: str = Field(min_length=1, description="What it says, in our words.")
    checks: Many[CheckRef] = Field(
        default=(),
        description="The checks that decide it, each by its whole id, `check.id` or `check.id[subject]`; in the brackets "
        "* and ? stand for anything.",
    )
    untestable: str | None = Field(default=None, min_length=1, description="Why no check can decide it.")
    pending: str | None = Field(default=None, min_length=1, description="What is still missing before it can be decided.")
    corrected: Correction | None = Field(default=None, description="The true statement, where the document's is not.")


class ClaimsSpec(Spec):
    """claims.toml: what the document says, and the checks that decide whether it is so."""

    claim: Many[Claim] = Field((), description="Every statement of the document, one [[claim]] each.")


def claim_mistakes(claims: Sequence[Claim], sections: Collection[str]) -> Iterator[tuple[KeyPath, str]]:
    """What claims say that cannot be meant, each with its key path; `sections` are those of the report."""
    first: dict[str, Claim] = {}
    for claim in claims:
        above = first.setdefault(claim.id, claim)
        if above is not claim:
            line = above.origin.line if above.origin else "?"
            yield claim.path, f"claim {claim.id} is there twice, first on line {line}"
        if claim.untestable and claim.pending:
            yield claim.path, f"claim {claim.id} is both untestable and pending; keep one of the two"
        if not (claim.checks or claim.untestable or claim.pending or claim.corrected):
            message = f"claim {claim.id} names no check; list its `checks`, or say why in `untestable` or `pending`"
            yield claim.path, message
        if claim.section is not None and claim.section not in sections:
            message = f"claim {claim.id}: the report has no section {claim.section!r}; {nearest(claim.section, sections)}"
            yield (*claim.path, "section"), message
