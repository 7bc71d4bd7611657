"""The migrations of a folder, in the order in which they are applied."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pgcontract.contract.validation_errors import nearest
from pgcontract.errors import InputError

_DIGITS: Final = re.compile(r"[Vv]?(\d+)")


@dataclass(frozen=True, kw_only=True)
class Script:
    """One migration's file and its way back. `id` is its digits as written, or its stem where it has none."""

    id: str
    stem: str
    path: Path
    down: Path | None


def read_scripts(folder: Path) -> tuple[Script, ...]:
    """Every migration in a folder, by file name. Raises InputError where there is no folder or nothing in it."""
    try:
        files = sorted(each for each in folder.iterdir() if each.suffix == ".sql" and each.is_file())
    except OSError as error:
        raise InputError(f"is no folder to read migrations from: {error.strerror}", file=str(folder)) from None
    scripts = tuple(read_script(each) for each in files if not each.name.endswith(".down.sql"))
    if not scripts:
        raise InputError("holds no migration; one is a file called <digits>_<name>.sql", file=str(folder))
    return scripts


def read_script(path: Path) -> Script:
    """One migration by its file; the way back is `<stem>.down.sql` beside it."""
    stem = path.name.removesuffix(".sql").removesuffix(".up")
    down = path.with_name(f"{stem}.down.sql")
    digits = _DIGITS.match(stem)
    return Script(id=digits[1] if digits else stem, stem=stem, path=path, down=down if down.exists() else None)


def find(word: str, scripts: Iterable[Script]) -> Script | None:
    """The migration that somebody names by its digits, stem or file name."""
    for each in scripts:
        if word in (each.id, each.stem, each.path.name):
            return each
        if word.isdecimal() and each.id.isdecimal() and int(word) == int(each.id):
            return each
    return None


def in_order(scripts: Iterable[Script], after: Mapping[str, tuple[str, str]]) -> tuple[Script, ...]:
    """By digits, each that has an `after` right behind the one it names; `after` is stem to (name, place).

    Raises InputError for two that the digits do not tell apart, an `after` that names nothing, and a circle.
    """
    scripts = tuple(scripts)
    followers: dict[str | None, list[Script]] = {}
    for each in scripts:
        previous = None
        if each.stem in after:
            word, place = after[each.stem]
            found = find(word, scripts)
            if found is None:
                hint = nearest(word, [other.stem for other in scripts])
                raise InputError(f"after = {word!r} names no migration that is there; {hint}", file=place)
            previous = found.stem
        followers.setdefault(previous, []).append(each)
    ordered: list[Script] = []

    def follow(previous: str | None) -> None:
        for each in _by_digits(followers.get(previous, [])):
            ordered.append(each)
            follow(each.stem)

    follow(None)
    if circle := [each for each in scripts if each not in ordered]:
        names = ", ".join(f"{each.stem} after {after[each.stem][0]}" for each in circle if each.stem in after)
        raise InputError(
            f"these migrations wait for each other: {names}; take one `after` away", file=after[circle[0].stem][1]
        )
    return tuple(ordered)


def _by_digits(scripts: list[Script]) -> list[Script]:
    if len(scripts) == 1:
        return scripts
    seen: dict[int, Script] = {}
    for each in scripts:
        if not each.id.isdecimal():
            raise InputError(
                "has no digits in front, so its place among the other migrations is not known; "
                "name it <digits>_<name>.sql, or give its contract `after`",
                file=str(each.path),
            )
        number = int(each.id)
        if number in seen:
            raise InputError(
                f"has the digits of {seen[number].path.name}, so their order is not known; "
                "rename one, or give its contract `after`",
                file=str(each.path),
            )
        seen[number] = each
    return [seen[number] for number in sorted(seen)]
