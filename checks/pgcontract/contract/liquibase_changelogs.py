"""Liquibase's changelogs in XML, YAML and JSON, as far as they include files of SQL.

Tried with Liquibase 4.27: a name is looked for from where Liquibase is started, or beside the changelog; includeAll takes
a folder with those in it, by their whole paths.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pgcontract.contract.migration_folder import Folder, from_the_top
from pgcontract.errors import InputError
from pgcontract.patterns import lazy_pattern
from pgcontract.values import dataclass

SUFFIXES: Final = (".xml", ".yaml", ".yml", ".json")
SETTINGS_FILE: Final = "liquibase.properties"
PRINTED: Final = (
    "`liquibase update-sql --output-file=pending.sql` prints the SQL of what is pending, and `pgcontract verify "
    "pending.sql` judges it"
)
_ROOT: Final = "databaseChangeLog"
_COMMENT: Final = lazy_pattern(r"<!--.*?-->|^\s*#.*?$", re.DOTALL | re.MULTILINE)
_PART: Final = lazy_pattern(r"""(?<![\w/."'-])["']?(includeAll|include|changeSet|property)["']?(?=[\s:>])""")
_SETTING: Final = lazy_pattern(r"""["']?\b(\w+)["']?\s*[:=]\s*(?:"([^"]*)"|'([^']*)'|([^\s,{}\[\]<>]+))""")
_CHANGELOG_FILE: Final = lazy_pattern(
    r"^[ \t]*(?:liquibase\.command\.)?change-?log-?file[ \t]*[=:][ \t]*(\S+)", re.I | re.M
)
_CLASS_PATH: Final = "classpath:"
_STARTED_IN: Final = ("", "src/main/resources")
_LEVELS: Final = 6


@dataclass(frozen=True, kw_only=True)
class Changelog:
    """What one brings to run, in its order: `files` are of SQL, and `values` those of its parameters."""

    path: Path
    files: tuple[Path, ...]
    values: dict[str, str]


def changelog_of(folder: Folder) -> Path | None:
    """The one that includes the others of the folder, or the one that liquibase.properties in it names. Raises InputError
    where there are several."""
    if folder.only is not None:
        return folder.only if folder.only.suffix.lower() in SUFFIXES and _is_changelog(folder, folder.only) else None
    if match := _CHANGELOG_FILE.search(folder.settings(folder.path / SETTINGS_FILE)):
        found = _find(folder.path / SETTINGS_FILE, match[1], beside=False)
        return found if found is not None and found.suffix.lower() in SUFFIXES else None
    files = [path for path in folder.files(SUFFIXES) if _is_changelog(folder, path)]
    included = {from_the_top(found) for path in files for found in _named_by(folder, path)}
    tops = [path for path in files if from_the_top(path) not in included]
    masters = [path for path in tops if re.search(r"master|root|main", path.name)] or tops
    if len(masters) > 1:
        names = ", ".join(f"`pgcontract verify {path}`" for path in masters)
        raise InputError(
            f"holds several changelogs, and none includes the others: name one: {names}", file=str(folder.path)
        )
    return masters[0] if masters else None


def read_changelog(folder: Folder, path: Path) -> Changelog:
    """What it runs. Raises InputError at a changeset that is no SQL of a file's own, and at a file that is not there."""
    values: dict[str, str] = {}
    files = tuple(dict.fromkeys(_files(folder, path, values, ())))
    return Changelog(path=path, files=files, values=values)


def _is_changelog(folder: Folder, path: Path) -> bool:
    return _ROOT in folder.opening(path)


def _parts(text: str) -> Iterator[tuple[str, dict[str, str], int]]:
    """Each include, changeset and property: its word, its settings and its line."""
    text = _COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    marks = list(_PART.finditer(text))
    for number, mark in enumerate(marks):
        end = marks[number + 1].start() if number + 1 < len(marks) else len(text)
        settings = {
            name: double or single or bare for name, double, single, bare in _SETTING.findall(text[mark.end() : end])
        }
        yield mark[1], settings, text.count("\n", 0, mark.start()) + 1


def _named_by(folder: Folder, path: Path) -> Iterator[Path]:
    for word, settings, _ in _parts(folder.opening(path)):
        if word == "include" and (found := _place(path, settings, "file")):
            yield found
        elif word == "includeAll" and (found := _place(path, settings, "path")):
            yield from found.rglob("*")


def _files(folder: Folder, path: Path, values: dict[str, str], within: tuple[Path, ...]) -> Iterator[Path]:
    if from_the_top(path) in within:
        raise InputError("includes itself", file=str(path))
    for word, settings, line in _parts(folder.text(path)):
        if word == "changeSet":
            raise InputError(
                f"this changeset is written in {path.suffix[1:].upper()}, and only formatted SQL is read. {PRINTED}",
                file=str(path),
                line=line,
            )
        if word == "property":
            if "name" in settings:
                values.setdefault(settings["name"], settings.get("value", ""))
            continue
        key = "file" if word == "include" else "path"
        found = _place(path, settings, key)
        if found is None:
            raise InputError(
                f"includes {settings.get(key, 'nothing')}, which is not to be found", file=str(path), line=line
            )
        inner = sorted(one for one in found.rglob("*") if one.is_file()) if word == "includeAll" else [found]
        for one in inner:
            if one.suffix.lower() in SUFFIXES and (word == "include" or _is_changelog(folder, one)):
                yield from _files(folder, one, values, (*within, from_the_top(path)))
            elif one.suffix.lower() == ".sql":
                yield one


def _place(changelog: Path, settings: dict[str, str], key: str) -> Path | None:
    beside = settings.get("relativeToChangelogFile", "").lower() == "true"
    return _find(changelog, settings.get(key, ""), beside=beside)


def _find(changelog: Path, name: str, *, beside: bool) -> Path | None:
    """The file or folder, in the changelog's own folder or in one above it, from where Liquibase may be started."""
    name = name.removeprefix(_CLASS_PATH).lstrip("/")
    own = changelog.parent
    if not name or (beside and not (own / name).exists()):
        return None
    if beside:
        return own / name
    place = from_the_top(own)
    above = [own, *(_as_named(own, parent) for parent in place.parents[:_LEVELS])]
    return next((path for start in above for below in _STARTED_IN if (path := start / below / name).exists()), None)


def _as_named(own: Path, parent: Path) -> Path:
    """A folder above another, in the words in which that was named where they reach so far."""
    levels = len(from_the_top(own).parts) - len(parent.parts)
    return own.parents[levels - 1] if 0 < levels <= len(own.parents) and own.parts[-1:] != ("..",) else parent
