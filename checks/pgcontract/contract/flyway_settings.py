"""What flyway.conf, flyway.toml or Spring Boot's files near a folder, and a script's own .conf, say of how it is run.

As we understand it (Flyway's documentation): both hold the same settings; a script's are in `<script>.conf`.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from itertools import islice, takewhile
from pathlib import Path
from typing import Any, Final

from pgcontract.contract.spring_settings import spring_settings
from pgcontract.model.input_file import read_bytes
from pgcontract.values import dataclass

SCRIPT_CONF: Final = ".conf"

_FILES: Final = ("flyway.toml", "flyway.conf", "conf/flyway.toml", "conf/flyway.conf")
# What may name folders of migrations below the one that it lies in.
SETTINGS_FILES: Final = ("flyway.toml", "flyway.conf", "application.properties", "application.yml", "application.yaml")
_PLACEHOLDERS: Final = "placeholders."
_PROPERTY: Final = re.compile(r"^[ \t]*(?![#!])([^=:\s]+)[ \t]*[=:][ \t]*(.*)$", re.MULTILINE)
_CONTINUED: Final = re.compile(r"\\\r?\n[ \t]*")
_FROM_OUTSIDE: Final = "${env."  # a variable of the environment, or of a vault
_CLASS_PATH: Final = ("", "src/main/resources")
_ENVIRONMENT: Final = "default"
_GUESSED: Final = "environment is guessed"
_WILDCARDS: Final = frozenset("*?")
_MAX_FOUND: Final = 1000
_LEVELS: Final = 4  # from src/main/resources up to where Spring Boot is started
OTHER_DATABASES: Final = frozenset(
    ("mysql", "mariadb", "h2", "hsqldb", "derby", "sqlite", "oracle", "sqlserver", "mssql", "db2", "cockroachdb")
)
POSTGRES: Final = frozenset(("postgresql", "postgres", "pgsql", "pg"))


@dataclass(frozen=True, kw_only=True)
class FlywaySettings:
    """Flyway's settings, by its names for them; what nobody set is Flyway's default. Placeholders are in lower case:
    their case does not matter. `locations` are folders that are there, none where one of them is not to be found. The
    `environment` of flyway.toml is guessed where it lists several, and does not say which is taken."""

    placeholders: Mapping[str, str] = field(default_factory=dict, repr=False)
    placeholder_replacement: bool = True
    placeholder_prefix: str = "${"
    placeholder_suffix: str = "}"
    sql_migration_prefix: str = "V"
    undo_sql_migration_prefix: str = "U"
    repeatable_sql_migration_prefix: str = "R"
    sql_migration_separator: str = "__"
    sql_migration_suffixes: tuple[str, ...] = (".sql",)
    group: bool = False
    mixed: bool = False
    out_of_order: bool = False
    execute_in_transaction: bool = True
    default_schema: str = "public"
    table: str = "flyway_schema_history"
    locations: tuple[Path, ...] = ()
    environment: str = _ENVIRONMENT
    environment_is_guessed: bool = False


def read_settings(folders: Iterable[Path]) -> FlywaySettings:
    """Those of Flyway's first file that is there, then those of the nearest files of Spring Boot that set any; what
    cannot be read sets nothing."""
    folders = tuple(folders)
    places = ((folder, folder / name) for folder in folders for name in _FILES)
    base, own = next(((folder, _read(path)) for folder, path in places if path.is_file()), (Path(), {}))
    springs = ((folder, spring_settings(folder, _properties, _text)) for folder in folders)
    spring_base, spring = next((found for found in springs if found[1]), (Path(), {}))
    settings = _settings({**spring, **own})
    if "locations" in own:
        return replace(settings, locations=_locations(base, own["locations"]))
    return replace(settings, locations=_locations(spring_base, spring.get("locations", "")))


def _locations(base: Path, written: str) -> tuple[Path, ...]:
    """Those of a file in that folder: from the folder itself, from one above it, or on the class path. Folders of another
    database are left out: a profile that is not known here may name PostgreSQL's."""
    found: list[Path] = []
    for location in filter(None, map(str.strip, written.split(","))):
        prefix, _, name = location.replace("{vendor}", "postgresql").rpartition(":")
        name = name if prefix == "filesystem" else name.lstrip("/")
        bases = (*(base / inner for inner in _CLASS_PATH), *base.parents[:_LEVELS])
        folders = next(filter(None, (_folders_at(above, name) for above in bases)), ())
        if not folders or prefix not in ("", "classpath", "filesystem"):
            return ()
        found += [Path(os.path.abspath(folder)) for folder in folders]  # noqa: PTH100 - resolve() would follow links
    return tuple(folder for folder in found if folder.name.lower() not in OTHER_DATABASES)


def _folders_at(above: Path, name: str) -> tuple[Path, ...]:
    """The folder of that name, or those that its wildcards stand for, below one that is named without any."""
    fixed = Path(*takewhile(lambda part: not _WILDCARDS & set(part), Path(name).parts))
    if fixed == Path(name):
        return (above / name,) if (above / name).is_dir() else ()
    if fixed == Path() or not (above / fixed).is_dir():
        return ()
    try:
        inner = list(islice((above / fixed).glob(str(Path(name).relative_to(fixed))), _MAX_FOUND))
    except (ValueError, OSError):  # `a**b`, and a folder that may not be looked into
        return ()
    return tuple(sorted(path for path in inner if path.is_dir()))


def _read(path: Path) -> Mapping[str, str]:
    text = _text(path) or ""
    if path.suffix == ".toml":
        return dict(_toml(text))
    return {key.removeprefix("flyway."): value for key, value in _properties(text)}


def read_script_conf(text: str) -> Mapping[str, str]:
    """The settings of one script, by their names."""
    return dict(_properties(text))


def is_true(values: Mapping[str, str], name: str, default: bool) -> bool:
    """A setting that is true or false."""
    return values.get(name, str(default)).strip().lower() == "true"


def _settings(values: Mapping[str, str]) -> FlywaySettings:
    default = FlywaySettings()
    suffixes = values.get("sqlMigrationSuffixes", "")
    schema = values.get("defaultSchema") or values.get("schemas", "").partition(",")[0].strip()
    return FlywaySettings(
        placeholders={
            key.removeprefix(_PLACEHOLDERS).lower(): value
            for key, value in values.items()
            if key.startswith(_PLACEHOLDERS) and _FROM_OUTSIDE not in value
        },
        placeholder_replacement=is_true(values, "placeholderReplacement", True),
        placeholder_prefix=values.get("placeholderPrefix") or default.placeholder_prefix,
        placeholder_suffix=values.get("placeholderSuffix") or default.placeholder_suffix,
        sql_migration_prefix=values.get("sqlMigrationPrefix") or default.sql_migration_prefix,
        undo_sql_migration_prefix=values.get("undoSqlMigrationPrefix") or default.undo_sql_migration_prefix,
        repeatable_sql_migration_prefix=values.get("repeatableSqlMigrationPrefix")
        or default.repeatable_sql_migration_prefix,
        sql_migration_separator=values.get("sqlMigrationSeparator") or default.sql_migration_separator,
        sql_migration_suffixes=tuple(filter(None, map(str.strip, suffixes.split(",")))) or default.sql_migration_suffixes,
        group=is_true(values, "group", False),
        mixed=is_true(values, "mixed", False),
        out_of_order=is_true(values, "outOfOrder", False),
        execute_in_transaction=is_true(values, "executeInTransaction", True),
        default_schema=schema or default.default_schema,
        table=values.get("table") or default.table,
        environment=values.get("environment") or default.environment,
        environment_is_guessed=_GUESSED in values,
    )


def _properties(text: str) -> Iterator[tuple[str, str]]:
    for match in _PROPERTY.finditer(_CONTINUED.sub("", text)):
        yield match[1], match[2].strip()


def _toml(text: str) -> Iterator[tuple[str, str]]:
    """What holds for all, and above that what holds for the environment that is taken."""
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return
    flyway, environments = document.get("flyway"), document.get("environments")
    yield from _flat(flyway, "")
    said = flyway.get("environment") if isinstance(flyway, dict) else None
    if not isinstance(environments, dict) or not environments:
        return
    name = next((name for name in (said, _ENVIRONMENT) if name in environments), next(iter(environments)))
    own = environments[name]
    if isinstance(own, dict):
        values = [*_flat({"schemas": own.get("schemas")}, ""), *_flat(own.get("flyway"), "")]
        yield from values
        yield "environment", str(name)
        if values and len(environments) > 1 and name not in (said, _ENVIRONMENT):
            yield _GUESSED, "true"


def _flat(value: Any, key: str) -> Iterator[tuple[str, str]]:
    """A table's values by their dotted keys, as the other format spells them."""
    match value:
        case dict():
            for name, inner in value.items():
                yield from _flat(inner, f"{key}.{name}" if key else str(name))
        case list():
            yield key, ",".join(map(str, value))
        case bool():
            yield key, str(value).lower()
        case None:
            return
        case _:
            yield key, str(value)


def _text(path: Path) -> str | None:
    try:
        return read_bytes(path).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return None
