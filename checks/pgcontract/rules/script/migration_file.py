"""Facts of the migration's file that a contract or a claim pins."""

from __future__ import annotations

from collections.abc import Iterator

from pgcontract.model.wording import number_of
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.result import Correctable, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check


def _lines(promise: Promise) -> Iterator[str]:
    pinned = promise.contract.file if promise.contract else None
    own = [str(pinned.lines)] if pinned and pinned.lines is not None else []
    yield from dict.fromkeys([*own, *promise.claimed_subjects("file.lines")])


@check("file.lines", subjects=_lines, severity=Severity.WARNING, correctable=Correctable.WORDS)
def file_lines(context: Context) -> Iterator[Answer]:
    """The file has as many lines as the contract or a claim states.

    Why it matters: a reviewer who expects 92 lines and pastes another number pastes another file.
    How it is measured: the lines of the file, the last one counted whether or not it ends in a newline.
    What to do: correct the number, or look for what was added.
    """
    script = context.promise.script
    for subject in _lines(context.promise):
        same = subject == str(script.lines)
        yield Answer(
            Status.KEPT if same else Status.BROKEN,
            subject,
            f"The file has {number_of(script.lines, 'lines')}" + ("." if same else f", not {subject}."),
            expected=subject,
            actual=str(script.lines),
            remedy=None if same else f"Correct the number to {script.lines}, or restore the file.",
        )


def _checksum(promise: Promise) -> Iterator[str]:
    pinned = promise.contract.file if promise.contract else None
    return iter((pinned.sha256,) if pinned and pinned.sha256 else ())


@check("file.checksum", subjects=_checksum)
def file_checksum(context: Context) -> Iterator[Answer]:
    """The file is, byte for byte, the one whose SHA-256 the contract pins.

    Why it matters: what was reviewed is what should be deployed.
    How it is measured: SHA-256 of the file's bytes.
    What to do: review the change and pin the new checksum.
    """
    script = context.promise.script
    for subject in _checksum(context.promise):
        same = subject.lower() == script.sha256
        yield Answer(
            Status.KEPT if same else Status.BROKEN,
            subject,
            "The file has the pinned SHA-256." if same else "The file does not have the pinned SHA-256: it was changed.",
            expected=subject,
            actual=script.sha256,
            remedy=None if same else f'Review the change, then set sha256 = "{script.sha256}".',
        )
