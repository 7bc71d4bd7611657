"""Names and numbers as a sentence has them."""

from __future__ import annotations

from collections.abc import Sequence


def joined(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)


def first_of(names: Sequence[str], most: int = 3, *, separator: str = ", ") -> str:
    """`a, b and 3 more`: at most so many by name."""
    return separator.join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def number_of(number: int, what: str) -> str:
    """`4 indexes`, `1 index`: the count with its noun."""
    if number != 1:
        return f"{number} {what}"
    noun, _, rest = what.partition(" with ")
    singular = {"indexes": "index", "policies": "policy", "entries": "entry"}.get(noun, noun.removesuffix("s"))
    return f"1 {singular}{f' with {rest}' if rest else ''}"
