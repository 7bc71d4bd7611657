"""The answers of a check: its own, and those in its place where it could not be asked, or failed itself."""

from __future__ import annotations

import traceback
from typing import Final

from pgcontract.plugins import blamed_for
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.result import Evidence, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import Check

_MAX_HIDDEN: Final = 16  # errors behind one another


def sentence(reason: str) -> str:
    return f"{reason[0].upper()}{reason[1:].removesuffix('.')}."


def unknown_answers(check: Check, promise: Promise, reason: str, *, follows: str = "") -> tuple[Answer, ...]:
    subjects = dict.fromkeys(check.subjects(promise))
    return tuple(Answer(Status.UNKNOWN, subject, reason, follows=follows) for subject in subjects)


def answers_of(check: Check, context: Context) -> tuple[Answer, ...]:
    answers = tuple(check.ask(context))
    for answer in answers:
        if not isinstance(answer, Answer):
            raise TypeError(f"{check.id} gave {answer!r} for an Answer")
    return answers


def error_answers(check: Check, promise: Promise, error: Exception) -> tuple[Answer, ...]:
    evidence = (Evidence(title="Traceback", text="".join(traceback.format_exception(error))),)
    whose = check.info.plugin or blamed_for(error)
    summary = f"The check itself failed, a bug of {whose}: {type(error).__name__}: {error}"
    subjects = tuple(dict.fromkeys(check.subjects(promise))) or ("check",)
    return tuple(Answer(Status.ERROR, subject, summary, evidence=evidence) for subject in subjects)


def raise_wish_to_end(error: BaseException) -> None:
    """Raises the Ctrl-C, or signal to end, that the error only hides: what cleans up on a session that was broken off
    meets errors of its own."""
    hidden: BaseException | None = error
    for _ in range(_MAX_HIDDEN):
        hidden = hidden and (hidden.__cause__ or hidden.__context__)
        if isinstance(hidden, KeyboardInterrupt | SystemExit):
            raise hidden
