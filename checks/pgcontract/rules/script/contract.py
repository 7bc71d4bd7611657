"""The contract itself: accepted by its owner, its `same_as` texts used."""

from __future__ import annotations

from collections.abc import Iterator

from pgcontract.model.comparison import compared_fields, display_value
from pgcontract.model.schema import Part
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.result import Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check
from pgcontract.rules.shape.differences import server_name


def _contract_subject(promise: Promise) -> Iterator[str]:
    return iter(("contract",) if promise.contract else ())


@check("contract.accepted", subjects=_contract_subject)
def contract_accepted(context: Context) -> Iterator[Answer]:
    """The contract is accepted by its owner, not a draft that nobody read.

    Why it matters: a draft states what a migration does, and a migration always does what it does.
    How it is measured: `accepted = false`, which `pgcontract draft` writes, is still in the contract.
    What to do: read each part, correct it to what you intend, and delete the line.
    """
    contract = context.promise.contract
    if contract is not None and not contract.accepted:
        yield Answer(
            Status.UNKNOWN,
            "contract",
            "The contract is a draft: it still says accepted = false.",
            remedy="Read each part, correct what is not intended, then delete the line `accepted = false`.",
        )
    else:
        yield Answer(Status.KEPT, "contract", "The contract is accepted: it is no draft.")


def _pinned_parts(promise: Promise) -> Iterator[Part]:
    return (part for part in promise.contract_schema.parts() if part.same_as)


@check("contract.pin", subjects=lambda promise: (f"{part.kind} {part.name}" for part in _pinned_parts(promise)))
def contract_pin(context: Context) -> Iterator[Answer]:
    """Each text pinned with `same_as` is one that the server really has.

    Why it matters: a pin that matches nothing hides the next difference that looks like it.
    How it is measured: each pinned text is compared with the expressions of the live part, as the server spells them.
    What to do: remove the pin, or pin the text that the server has now.
    """
    live = {(part.kind, part.name): part for part in context.after.parts()}
    for part in _pinned_parts(context.promise):
        subject = f"{part.kind} {part.name}"
        live_part = live.get((part.kind, server_name(context, part)))
        texts = {
            display_value(getattr(live_part, field.name))
            for field in compared_fields(part)
            if live_part is not None and field.metadata.get("how") == "expression"
        }
        unused = [text for text in part.same_as if text not in texts]
        if unused:
            yield Answer(
                Status.BROKEN,
                subject,
                f"The contract pins a text for {subject} in same_as that the server does not print.",
                expected=unused[0],
                actual=", ".join(sorted(texts)) or "none",
                remedy="Remove the text from same_as, or replace it by the server's present one.",
                origin=part.origin,
            )
        else:
            yield Answer(Status.KEPT, subject, f"The texts in same_as of {subject} are the server's.", origin=part.origin)
