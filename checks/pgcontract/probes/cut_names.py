"""Names in the scripts of more than 63 bytes, which the server cut, with what is left of them at the head."""

from __future__ import annotations

import re
from typing import Final

from pgcontract.model.identifiers import MAX_NAME_BYTES, read_identifier
from pgcontract.model.schema import Origin
from pgcontract.model.sql import place
from pgcontract.model.sql.lexer import TokenKind, tokens
from pgcontract.probes.cached_facts import cached_state_fact
from pgcontract.probes.context import Context
from pgcontract.values import dataclass

_LONG: Final = re.compile(rf"[\w$]{{{MAX_NAME_BYTES // 4},}}|\"[^\"]{{{MAX_NAME_BYTES // 4},}}\"")

# The kinds, as fields of Schema, whose objects a script names; a grant or a setting has a name of several words.
_NAMED: Final = (
    "schemas tables columns constraints indexes views functions types triggers policies sequences rules".split()  # noqa: SIM905
)


@dataclass(frozen=True, kw_only=True)
class CutName:
    """A name as it is written, bare, and as it is kept; `others` are names that are cut to the same."""

    written: str
    kept: str
    others: tuple[str, ...]
    origin: Origin


@cached_state_fact
def cut_names(context: Context) -> tuple[CutName, ...]:
    """Each once, where it is written first; those alone whose object is there at the head."""
    written: dict[str, Origin] = {}
    kept: dict[str, str] = {}
    for migration in context.promise.project.chain:
        script = migration.up
        for statement in script.statements if script.parsed and _LONG.search(script.text) else ():
            if not any(len(match[0].encode()) > MAX_NAME_BYTES for match in _LONG.finditer(statement.text)):
                continue
            for token in tokens(statement.text):
                if token.kind not in (TokenKind.WORD, TokenKind.QUOTED):
                    continue
                name = read_identifier(token.text)
                if len(name.encode()) > MAX_NAME_BYTES and name not in written:
                    at = place(script, statement.offset + token.offset)
                    written[name] = Origin(file=at.path or script.path, line=at.line)
                    kept[name] = token.name
    if not written:
        return ()
    there = {part.qualified_name.name for kind in _NAMED for part in getattr(context.migrated, kind)}
    return tuple(
        CutName(
            written=name,
            kept=kept[name],
            others=tuple(other for other in written if other != name and kept[other] == kept[name]),
            origin=origin,
        )
        for name, origin in written.items()
        if kept[name] in there
    )
