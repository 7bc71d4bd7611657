"""What a server was built without and the platform has: what fails for want of it says nothing of who uses it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from pgcontract.postgres.missing_features import MissingFeature
from pgcontract.result import Status
from pgcontract.rules.answer import Answer

_ABSENT: Final = re.compile(r"function (?:extensions\.)?(?P<name>\w+)\([^)]*\) does not exist")


def excuse_lacking(answer: Answer, functions: Mapping[str, MissingFeature]) -> Answer:
    """The answer, UNKNOWN in place of BROKEN where the server's words are of one of these functions. Pure."""
    if answer.status is not Status.BROKEN or not functions:
        return answer
    for text in (answer.actual or "", answer.summary):
        for match in _ABSENT.finditer(text):
            if feature := functions.get(match["name"]):
                return Answer(
                    Status.UNKNOWN,
                    answer.subject,
                    f"This server cannot show it: {feature}.",
                    actual=answer.actual,
                    remedy=f"{feature.remedy[0].upper()}{feature.remedy[1:]}.",
                    evidence=answer.evidence,
                    origin=answer.origin,
                )
    return answer
