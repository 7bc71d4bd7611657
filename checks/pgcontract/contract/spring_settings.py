"""What Spring Boot's application.properties or application.yml, near a folder of Flyway's, say of Flyway.

As we understand it (Spring Boot's reference, Externalized Configuration): `spring.flyway.out-of-order` is the same as
`spring.flyway.outOfOrder`; in one folder .properties come before .yml, and what is in config/ before what is beside it.
A value that names another, the environment or the build, and what holds for a profile only, is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

Properties = Callable[[str], Iterator[tuple[str, str]]]

_STEMS: Final = ("config/application", "application")
_PREFIX: Final = "spring.flyway."
_PLACEHOLDERS: Final = "placeholders."
_LINE: Final = re.compile(
    r"^(?P<indent> *)(?P<key>'[^']*'|\"[^\"]*\"|[^\s'\"#:-][^#]*?|[^\s'\"#:-]) *:(?: +(?P<value>.*))?$"
)
_INDEXED: Final = re.compile(r"(?P<key>.+[^.\[])\[(?P<place>\d{1,6})\]")
_ITEM: Final = re.compile(r"^(?P<indent> *)- +(?P<value>.+)$")
_QUOTED: Final = re.compile(r"'((?:[^']|'')*)'|\"((?:[^\"\\]|\\.)*)\"")
_COMMENT: Final = re.compile(r"(?:^|\s)#.*$")
_FOR_A_PROFILE: Final = ("spring.config.activate.", "spring.profiles")
_FROM_OUTSIDE: Final = re.compile(r"\$\{|#\{|@[^@\s]+@")


def spring_settings(folder: Path, properties: Properties, text_of: Callable[[Path], str | None]) -> Mapping[str, str]:
    """Flyway's settings by its own names, as the files in one folder set them; empty where there are none."""
    settings: dict[str, str] = {}
    for stem in _STEMS:
        for suffix, read in ((".properties", properties), (".yml", yaml_values), (".yaml", yaml_values)):
            path = folder / f"{stem}{suffix}"
            text = text_of(path) if path.is_file() else None
            for key, value in _with_lists(read(text)) if text else ():
                if key.startswith(_PREFIX) and not _FROM_OUTSIDE.search(value):
                    settings.setdefault(_flyways(key.removeprefix(_PREFIX)), value)
    return settings


def _with_lists(values: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The items of a list (`locations[0]`, `locations[1]`) as one value, joined by commas."""
    items: dict[str, dict[int, str]] = {}
    for key, value in values:
        if match := _INDEXED.fullmatch(key):
            items.setdefault(match["key"], {})[int(match["place"])] = value
        else:
            yield key, value
    yield from ((key, ",".join(own[place] for place in sorted(own))) for key, own in items.items())


def _flyways(key: str) -> str:
    """`out-of-order` as Flyway calls it; a placeholder is called as it is written."""
    if key.startswith(_PLACEHOLDERS):
        return _PLACEHOLDERS + key.removeprefix(_PLACEHOLDERS).removeprefix("[").removesuffix("]")
    return re.sub(r"[-_]+(\w)", lambda match: match[1].upper(), key)


def yaml_values(text: str) -> Iterator[tuple[str, str]]:
    """The plain values of a YAML file by their dotted keys, a list's joined by commas: maps and lists in block style, and
    scalars of one line. What is written otherwise is passed over, as is a document that holds for a profile."""
    for document in re.split(r"^---.*$", text, flags=re.MULTILINE):
        values = dict(_values_of(document))
        if not any(key.startswith(_FOR_A_PROFILE) for key in values):
            yield from values.items()


def _values_of(document: str) -> Iterator[tuple[str, str]]:
    above: list[tuple[int, str]] = []
    items: dict[str, list[str]] = {}
    for line in document.splitlines():
        if (item := _ITEM.match(line)) and above:
            items.setdefault(".".join(key for _, key in above), []).append(_scalar(item["value"]))
            continue
        if not (match := _LINE.match(line)):
            continue
        indent = len(match["indent"])
        while above and above[-1][0] >= indent:
            above.pop()
        key = ".".join((*(key for _, key in above), _scalar(match["key"])))
        value = match["value"] or ""
        if not _COMMENT.sub("", value).strip():
            above.append((indent, _scalar(match["key"])))
        elif (inner := _COMMENT.sub("", value).strip()).startswith("[") and inner.endswith("]"):
            yield key, ",".join(_scalar(item) for item in inner[1:-1].split(","))
        elif value.lstrip()[0] not in "{[|>&*!":
            yield key, _scalar(value)
    yield from ((key, ",".join(values)) for key, values in items.items())


def _scalar(text: str) -> str:
    text = text.strip()
    if quoted := _QUOTED.match(text):
        single, double = quoted.groups()
        return str(re.sub(r"\\(.)", r"\1", double) if single is None else single.replace("''", "'"))
    return _COMMENT.sub("", text).strip()
