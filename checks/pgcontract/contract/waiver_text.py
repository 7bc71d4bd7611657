"""A contract's text with a waiver more, or another end for one that is there; all else stays as its owner wrote it."""

from __future__ import annotations

from typing import Any

from pgcontract.contract.sections.waivers import Waiver

_MARK = "\ufeff"  # which some editors put at the head of a file
_OPENING = """\
# Written by `pgcontract waive`. It promises nothing: `pgcontract draft` writes what the migration makes.
migration = {migration}
promises = "declared"
"""


def new_contract(file: str) -> str:
    """The contract of a migration's `file` that promises nothing, for a waiver to stand in."""
    import tomlkit

    return _OPENING.format(migration=tomlkit.item(file).as_string())


def with_waiver(text: str, waiver: Waiver) -> str:
    """The text with the waiver: in the place of one of the same check and subject, else behind all that is there. `text`
    is a contract that can be read; its line ends stay."""
    import tomlkit
    from tomlkit.items import AoT

    if text.startswith(_MARK):
        return _MARK + with_waiver(text.removeprefix(_MARK), waiver)
    ends = "\r\n" if "\r\n" in text else "\n"
    document = tomlkit.parse(text.replace("\r\n", "\n"))
    held: Any = document.get("waiver")
    fields = {
        "check": waiver.check,
        "subject": waiver.subject,
        "reason": waiver.reason,
        "owner": waiver.owner,
        "until": waiver.until,
    }
    for known in held or ():
        if (known.get("check"), known.get("subject", "*")) == (waiver.check, waiver.subject):
            known.update({name: fields[name] for name in ("reason", "owner", "until")})
            return tomlkit.dumps(document).replace("\n", ends)
    if isinstance(held, list) and not isinstance(held, AoT):  # waiver = [{ … }]
        inline = tomlkit.inline_table()
        inline.update(fields)
        held.append(inline)
        return tomlkit.dumps(document).replace("\n", ends)
    table = tomlkit.table()
    table.update(fields)
    block = tomlkit.aot()
    block.append(table)
    added = tomlkit.document()
    added.add("waiver", block)
    # Behind the last line, whatever table that is of: an array of tables says from the top where it stands.
    before = text.replace("\r\n", "\n").rstrip("\n")
    return "\n".join((before, "", tomlkit.dumps(added).rstrip("\n"), "")).lstrip("\n").replace("\n", ends)
