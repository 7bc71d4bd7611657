"""supabase/config.toml: where it is, the major version that it names, and the schemas that it has the REST API show."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from pgcontract.contract.migration import Migration
from pgcontract.contract.migration_folder import Folder
from pgcontract.contract.platform_evidence import SUPABASE
from pgcontract.model.sql.lexer import without_comments
from pgcontract.values import dataclass

CONFIG: Final = "config.toml"
_EARLIEST, _LATEST = 10, 99
_DEFAULT: Final = ("public", "graphql_public")
_DEFAULT_EXTRA: Final = ("public", "extensions")
# PostgREST, Configuration: what a role's setting says holds before any file.
_IN_SQL: Final = re.compile(
    r"\bpgrst\.db_schemas?\b\"?\s*(?:=|\bTO\b)\s*(?P<list>'[^']*'(?:\s*,\s*'[^']*')*|[\w\"]+(?:\s*,\s*[\w\"]+)*)",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class ExposedSchemas:
    """The schemas that the REST API shows, and those in which it finds names besides. `source` is where that is said;
    empty where nothing says it, and the platform's default is taken."""

    names: tuple[str, ...] = _DEFAULT
    search_path: tuple[str, ...] = _DEFAULT_EXTRA
    source: str = ""

    @property
    def is_default(self) -> bool:
        return set(self.names) == set(_DEFAULT)


def find_config(folder: Folder) -> tuple[Path, Mapping[str, Any]] | None:
    """The folder supabase/ around or above the migrations, with what its config.toml holds: nothing where there is none,
    or it cannot be read."""
    for parent in folder.parents():
        place = parent if parent.name == SUPABASE else parent / SUPABASE
        if place == parent or folder.has(place / CONFIG):
            return place, _document(folder, place / CONFIG)
    return None


@dataclass(frozen=True, kw_only=True)
class ConfiguredMajor:
    """The major version of the project's PostgreSQL, and the file and line that say so."""

    major: int
    source: str


def configured_major(folder: Folder) -> ConfiguredMajor | None:
    """As [db] major_version says, which `supabase link` compares with the project; None where nothing does."""
    found = find_config(folder) if folder.only is None else None
    major = major_of(found[1]) if found else None
    if found is None or major is None:
        return None
    before, named, _ = folder.settings(found[0] / CONFIG).partition("major_version")
    line = f":{before.count(chr(10)) + 1}" if named and "major_version" not in before else ""
    return ConfiguredMajor(major=major, source=f"{SUPABASE}/{CONFIG}{line}")


def major_of(document: Mapping[str, Any]) -> int | None:
    """What the configuration says of the major version, if that is one."""
    major = settings_of(document, "db").get("major_version")
    return major if type(major) is int and _EARLIEST <= major <= _LATEST else None


def settings_of(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A table of it; empty where it is none."""
    settings = document.get(name, {})
    return settings if isinstance(settings, dict) else {}


def exposed_schemas(folder: Folder, migrations: Iterable[Migration]) -> ExposedSchemas:
    """As the last migration that sets pgrst.db_schemas says, else [api] of config.toml, else as a new project has it."""
    config = find_config(folder) if folder.only is None else None
    configured = configured_schemas(config[1] if config else {})
    for migration in reversed(tuple(migrations)):
        if "pgrst.db_schema" in migration.up.text and (found := [*_IN_SQL.finditer(without_comments(migration.up.text))]):
            words = found[-1]["list"].replace("'", "").replace('"', "").split(",")
            names = tuple(dict.fromkeys(word.strip() for word in words if word.strip()))
            return ExposedSchemas(names=names, search_path=configured.search_path, source=migration.file)
    return configured


def configured_schemas(document: Mapping[str, Any]) -> ExposedSchemas:
    """What the configuration says of the schemas that the REST API shows."""
    settings = settings_of(document, "api")
    if settings.get("enabled") is False:
        return ExposedSchemas(names=(), source=f"{SUPABASE}/{CONFIG}")
    names = _listed(settings.get("schemas"))
    extra = _listed(settings.get("extra_search_path"))
    return ExposedSchemas(
        names=_DEFAULT if names is None else names,
        search_path=_DEFAULT_EXTRA if extra is None else extra,
        source="" if names is None else f"{SUPABASE}/{CONFIG}",
    )


def _listed(value: object) -> tuple[str, ...] | None:
    """None where no schemas are listed: there is no such key, or an environment that is not here says which."""
    if not isinstance(value, list) or any(not isinstance(name, str) or name.startswith("env(") for name in value):
        return None
    return tuple(dict.fromkeys(name.strip() for name in value if name.strip()))


def config_places(folder: Folder) -> tuple[Path, ...]:
    """Where the file may stand, nearest first."""
    places = (parent if parent.name == SUPABASE else parent / SUPABASE for parent in folder.parents())
    return tuple(place / CONFIG for place in places)


def read_config(text: str) -> Mapping[str, Any]:
    """What it says; nothing where it is no TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}


def _document(folder: Folder, config: Path) -> Mapping[str, Any]:
    return read_config(folder.settings(config)) if folder.has(config) else {}
