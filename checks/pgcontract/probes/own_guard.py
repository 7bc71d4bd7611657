"""A script's own guard: it looks at the rows, and raises an error of its own in place of a half-done change."""

from __future__ import annotations

import re
from typing import Final

from pgcontract.model.identifiers import read_identifier
from pgcontract.model.qualified_name import split_name
from pgcontract.model.sql import Script, inventory
from pgcontract.postgres.script_execution import Refusal

# The innermost line of the server's CONTEXT names the block that raised, and the statement in it.
_RAISED: Final = re.compile(r"\APL/pgSQL function (?P<function>.+?) line \d+ at (?:RAISE|ASSERT)\b")
_INLINE: Final = "inline_code_block"
_TRIGGER: Final = re.compile(r"\bEXECUTE\s+(?:FUNCTION|PROCEDURE)\s+(?P<name>[\w.\"$]+)\s*\(", re.IGNORECASE)


def is_own_guard(refusal: Refusal, script: Script) -> bool:
    """Whether the script itself raised it: in a DO block, or in a function that it makes and calls."""
    match = _RAISED.match(refusal.context or "")
    if match is None:
        return False
    function = match["function"]
    if function == _INLINE:
        return True
    name = _bare(function.partition("(")[0])
    fired = {_bare(trigger["name"]) for trigger in _TRIGGER.finditer(script.text)}
    made = {_bare(part.name.partition("(")[0]) for part in inventory(script).created if part.kind == "function"}
    return name in made and name not in fired


def guard_words(refusal: Refusal) -> str:
    """What it says, in a sentence."""
    hint = f" {refusal.hint}" if refusal.hint else ""
    return f"{refusal.message.removesuffix('.')}.{hint}"


def _bare(name: str) -> str:
    written, _ = split_name(name)
    return read_identifier(written[-1]) if written else name
