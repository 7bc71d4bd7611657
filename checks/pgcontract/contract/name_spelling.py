"""A name that an owner wrote, as the server spells it; or in words what to write instead."""

from __future__ import annotations

import re
from typing import Final

from pgcontract.model.identifiers import quote_identifier, read_identifier
from pgcontract.model.qualified_name import QualifiedName, split_name

_PIECE: Final = re.compile(r'"(?:[^"]|"")*"|[^.]+')


def spell_name(name: str, *, parts: tuple[int, int], example: str) -> str:
    """The name as the server spells it, of at least and at most so many `parts`.

    A function's argument types stay as they are written. Raises ValueError that says what to write instead: for a
    capital letter without quotes (SQL would fold it), for blanks and other marks, for a missing schema.
    """
    written, arguments = split_name(name)
    if not written or (arguments and not arguments.startswith("(")):
        raise ValueError(f"{name!r} is no name in SQL; in double quotes it is one: '{_in_quotes(name)}'")
    for identifier in written:
        if not identifier.startswith('"') and identifier != identifier.lower():
            raise ValueError(
                f"{name!r} has capital letters, which SQL reads as {identifier.lower()!r} unless quoted; "
                f"write '{_in_quotes(name)}', or all in lower case"
            )
    least, most = parts
    if len(written) < least:
        hint = f"public.{name}" if least == len(written) + 1 == 2 else f"it in full, as in {example}"
        raise ValueError(f"{name!r} has no schema; write {hint}")
    if len(written) > most:
        raise ValueError(f"{name!r} has {len(written)} parts; write it as in {example}")
    return f"{QualifiedName(tuple(map(read_identifier, written)))}{arguments}"


def _in_quotes(name: str) -> str:
    """The name with quotes around each piece that needs them, cut at the dots outside quotes."""
    path, bracket, arguments = name.partition("(")
    pieces = (piece.strip('"') for piece in _PIECE.findall(path))
    return ".".join(map(quote_identifier, pieces)) + bracket + arguments
