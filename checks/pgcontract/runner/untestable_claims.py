"""What untestable claims speak of: the objects of the schema in their words. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from pgcontract.contract import Project
from pgcontract.model.identifiers import unquote_identifier
from pgcontract.model.qualified_name import split_name
from pgcontract.model.schema import Schema
from pgcontract.result import ClaimResult, Outcome

_NAMED = frozenset(
    {"table", "column", "constraint", "index", "trigger", "function", "view", "type", "sequence", "policy"}
)  # kinds whose name is a word that a document may use; a grant's is not


def unjudged_objects(project: Project, claims: Sequence[ClaimResult]) -> Mapping[tuple[str, str], tuple[str, ...]]:
    """By migration and id of each untestable claim, the objects that its words name and no claim's checks are about.

    An object is named by its bare name as a whole word, and judged where that word stands in what decided a claim.
    """
    judged = "\n".join(
        item for claim in claims if claim.outcome is not Outcome.UNTESTABLE for item in (*claim.checks, *claim.decided_by)
    )
    return {
        (claim.migration, claim.id): tuple(
            name
            for name in dict.fromkeys(_bare_names(project.declared(claim.migration)))
            if _stands_in(name, claim.description) and not _stands_in(name, judged)
        )
        for claim in claims
        if claim.outcome is Outcome.UNTESTABLE
    }


def _bare_names(schema: Schema) -> Iterator[str]:
    for part in schema.parts():
        written, _ = split_name(part.name) if part.kind in _NAMED else ((), "")
        if written:
            yield unquote_identifier(written[-1])


def _stands_in(name: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE) is not None
