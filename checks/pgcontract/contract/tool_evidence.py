"""What lies around a folder of migrations and shows whose it is, where the names of the files leave it open."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pgcontract.contract.migration_folder import Folder
from pgcontract.contract.tool_marks import mark_in

_OWN_SETTINGS: Final = {"sqlx": (".sqlx", "sqlx.toml", "sqlx-data.json"), "refinery": ("refinery.toml",)}
_NODE_TABLES: Final = ("dependencies", "devDependencies")
_OF_OTHERS: Final = ("meta/_journal.json", "migration_lock.toml", "atlas.sum", "sqitch.plan")


def rust_evidence(folder: Folder, crate: str) -> str | None:
    """What shows that a Rust program applies the folder with that crate, as "is below …": the crate's own settings, or a
    Cargo.toml that depends on it, in the folder or above it, unless a go.mod is nearer."""
    for parent in folder.parents():
        for name in _OWN_SETTINGS.get(crate, ()):
            if folder.has(parent / name):
                return f"is below {name}"
        text = folder.settings(parent / "Cargo.toml")
        if text and not {crate, f"{crate}-core"}.isdisjoint(_dependencies(text)):
            return f"is below a Cargo.toml that depends on {crate}"
        if folder.has(parent / "go.mod"):
            return None
    return None


def node_evidence(folder: Folder, package: str) -> str | None:
    """What shows that a Node program applies the folder with that package: a package.json, in the folder or above it, the
    nearest there is, that depends on it."""
    for parent in folder.parents():
        if text := folder.settings(parent / "package.json"):
            try:
                document = json.loads(text)
            except ValueError:
                return None
            tables = [document.get(name) for name in _NODE_TABLES] if isinstance(document, dict) else []
            depends = any(isinstance(table, dict) and package in table for table in tables)
            return f"is below a package.json that depends on {package}" if depends else None
    return None


def is_hasuras(folder: Folder) -> bool:
    """Whether it is below the config.yaml of a project of Hasura's."""
    return any("metadata_directory:" in folder.settings(parent / "config.yaml") for parent in folder.parents())


def shows_another_tool(folder: Folder) -> bool:
    """Whether something in the folder, or its place, is a tool's that does not go by names alone."""
    own = folder.place
    if (own.name, own.parent.name) == ("migrations", "supabase") or mark_in(folder):
        return True
    return folder.only is None and any(folder.has(folder.path / name) for name in _OF_OTHERS)


def _dependencies(text: str) -> Iterator[str]:
    """The crates that a Cargo.toml names in any table of dependencies, those that it renames by their own name."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    tables: list[Mapping[str, Any]] = [document]
    while tables:
        for key, value in tables.pop().items():
            if not isinstance(value, dict):
                continue
            if key.endswith("dependencies"):
                for name, wanted in value.items():
                    yield str(wanted.get("package", name)) if isinstance(wanted, dict) else name
            else:
                tables.append(value)
