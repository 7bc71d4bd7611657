"""What Flyway reads from a file's name: its kind, version and description, or why it does not take the file."""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from typing import Final

from pgcontract.contract.flyway_settings import FlywaySettings
from pgcontract.result import Severity
from pgcontract.values import dataclass

_VERSION: Final = re.compile(r"\d+(?:[._]\d+)*")
_CALLBACK: Final = re.compile(r"(?:before|after|create)[A-Z]\w*(?:__.*)?", re.DOTALL)
# Those of `migrate` where nothing fails, in its order.
_AT_DEPLOY: Final = (
    "beforeMigrate",
    "beforeEachMigrate",
    "afterEachMigrate",
    "afterVersioned",
    "afterMigrateApplied",
    "afterMigrate",
)
BASELINE: Final = "B"


class Kind(Enum):
    """When Flyway runs a script."""

    VERSIONED = "once"
    UNDO = "to take a version back"
    REPEATABLE = "whenever it changes"
    BASELINE = "in the place of earlier versions, where nothing is applied"


@dataclass(frozen=True, kw_only=True)
class FlywayFile:
    """A script by its name. `version` has its numbers, without zeros at the end, so that 1 and 1.0 are one; a repeatable
    one has none. `stem` is the name without its suffix, `shown` what people call it."""

    path: Path
    kind: Kind
    stem: str
    version: tuple[int, ...]
    shown: str
    description: str


@dataclass(frozen=True, kw_only=True)
class NotTaken:
    """Why Flyway does not take a file, as a sentence goes on behind its name; an error where it stops at it, None where
    that is as it should be."""

    why: str
    remedy: str
    severity: Severity | None = Severity.WARNING


def read_name(path: Path, settings: FlywaySettings) -> FlywayFile | NotTaken:
    """The file as Flyway's resolver reads its name."""
    suffix = next((suffix for suffix in settings.sql_migration_suffixes if path.name.endswith(suffix)), None)
    if suffix is None:
        endings = " or ".join(settings.sql_migration_suffixes)
        return NotTaken(why=f"is passed over: its name does not end in {endings}.", remedy="Rename it, or move it.")
    stem = path.name.removesuffix(suffix)
    for kind, prefix in (
        (Kind.VERSIONED, settings.sql_migration_prefix),
        (Kind.UNDO, settings.undo_sql_migration_prefix),
        (Kind.REPEATABLE, settings.repeatable_sql_migration_prefix),
    ):
        if stem.startswith(prefix):
            version, _, description = stem.removeprefix(prefix).partition(settings.sql_migration_separator)
            return _read_version(path, stem, kind, version, description, settings)
    version, _, description = stem.removeprefix(BASELINE).partition(settings.sql_migration_separator)
    if stem.startswith(BASELINE) and _VERSION.fullmatch(version):
        return _read_version(path, stem, Kind.BASELINE, version, description, settings)
    if _CALLBACK.fullmatch(stem):
        return NotTaken(
            why="is a callback, which runs at its event; it was not replayed.",
            remedy="Give what it makes with --setup FILE, where a migration needs it.",
            severity=None,
        )
    versioned, undo = settings.sql_migration_prefix, settings.undo_sql_migration_prefix
    prefixes = f"{versioned}, {undo} or {settings.repeatable_sql_migration_prefix}"
    return NotTaken(
        why=f"is passed over: its name does not open with {prefixes}.",
        remedy=f"Rename it, as in {versioned}1{settings.sql_migration_separator}{path.name}, or move it.",
    )


def callback_place(path: Path) -> int | None:
    """When in a deploy Flyway runs a file that is a callback; None for one that is none of `migrate`'s."""
    event = path.stem.partition("__")[0]
    return _AT_DEPLOY.index(event) if event in _AT_DEPLOY else None


def _read_version(
    path: Path, stem: str, kind: Kind, version: str, description: str, settings: FlywaySettings
) -> FlywayFile | NotTaken:
    separator, repeatable = settings.sql_migration_separator, settings.repeatable_sql_migration_prefix
    numbers: list[int] = []
    if kind is Kind.REPEATABLE:
        if version:
            return NotTaken(
                why=f"is passed over: before {separator} a repeatable script has {repeatable} alone.",
                remedy=f"Rename it, as in {repeatable}{separator}name{path.suffix}, or move it.",
            )
    elif not _VERSION.fullmatch(version):
        stops = kind is Kind.VERSIONED and bool(version)
        what = f"has the version {version}, which is no number" if version else "has no version"
        return NotTaken(
            why=f"{what}, and {'Flyway stops at it' if stops else 'is passed over'}.",
            remedy=f"Name it {path.name[0]}<version>{separator}<name>{path.suffix}"
            + (", with two underscores." if separator == "__" else "."),
            severity=Severity.ERROR if stops else Severity.WARNING,
        )
    else:
        numbers = [int(part) for part in re.split(r"[._]", version)]
        while len(numbers) > 1 and not numbers[-1]:
            numbers.pop()
    return FlywayFile(
        path=path,
        kind=kind,
        stem=stem,
        version=tuple(numbers),
        shown=version.replace("_", ".") or description.replace("_", " ") or stem,
        description=description.replace("_", " "),
    )
