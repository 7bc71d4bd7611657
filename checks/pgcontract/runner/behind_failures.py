"""What is promised behind a migration that was not applied: absent for that reason, as far as anybody knows. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pgcontract.contract import Migration
from pgcontract.result import Status
from pgcontract.rules.answer import Answer
from pgcontract.runner.effects import RELATION, read_effects, words_of

_PRESENT: Final = ".present"
_CONTRACT: Final = ".toml"


def excuse(answer: Answer, check: str, failed: Sequence[Migration]) -> Answer:
    """The answer, UNKNOWN in place of BROKEN where one of the earlier migrations that failed promises the same, or makes
    what is absent: its failure is told, and this follows from it."""
    if answer.status is not Status.BROKEN:
        return answer
    for migration in failed:
        if _is_promised_by(migration, answer) or _would_make(migration, check, answer):
            name = migration.display_name
            return Answer(
                Status.UNKNOWN,
                answer.subject,
                f"It may follow from {name}, which was not applied: {answer.summary}",
                remedy=f"Mend {name}; then run this again.",
                origin=answer.origin,
                follows=migration.key,
            )
    return answer


def _is_promised_by(migration: Migration, answer: Answer) -> bool:
    return migration.contract is not None and answer.origin is not None and answer.origin.file == migration.contract.path


def _would_make(migration: Migration, check: str, answer: Answer) -> bool:
    """Whether it makes the object that is absent, or the table that a contract says something of."""
    effects, names = read_effects(migration.up.text), words_of(answer.subject)
    if check.endswith(_PRESENT):
        made = {name for _, name in effects.made}
        return any(name in made or effects.makes(RELATION, name) for name in names)
    declared = answer.origin is not None and answer.origin.file.endswith(_CONTRACT)
    return declared and any((RELATION, name) in effects.made for name in names)
