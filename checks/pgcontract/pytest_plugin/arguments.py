"""Which of pytest's arguments ask for promises: a project, or something in it, named outright.

Only names are looked at; nothing is read, and nothing of the package is imported.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

_CONTRACT: Final = "contract.toml"
_BESIDE: Final = f".{_CONTRACT}"
_SCRIPT: Final = ".sql"
_MIGRATIONS: Final = "migrations"
_CONTRACTS: Final = "contracts"


def may_hold_promises(file: Path) -> bool:
    """Whether the file's name is that of a contract or a script, before anything else is asked."""
    return file.name.endswith((_CONTRACT, _SCRIPT))


def project_of(file: Path, config: pytest.Config) -> Path | None:
    """What `load_project` is to read for the items of a contract or a script; None where nobody asks for them.

    A project is asked for where an argument, or an entry of `testpaths`, is it or lies in it. --pgcontract asks for each
    that is found, and takes a folder of migrations without contracts, or one script, for a project too. The working
    folder is no such argument: `pytest` and `pytest .` are everybody's.
    """
    asks_for_all = config.option.pgcontract
    if (root := _root(file)) is None:
        named = (path for path in arguments(config) if _lies_in(file, path))
        return next(named, None) if asks_for_all and file.suffix == _SCRIPT else None
    inside = [path for path in arguments(config) if _lies_in(path, root)]
    if file.suffix == _SCRIPT:  # its promises are its contract's, unless it is what was named
        named = (path for path in inside if path == file or (_lies_in(path, root / _MIGRATIONS) and _lies_in(file, path)))
        return root if next(named, None) else None
    return root if inside or asks_for_all else None


def arguments(config: pytest.Config) -> Iterator[Path]:
    """The paths that were named, without the name of an item behind them, and without the working folder."""
    here = config.invocation_params.dir
    for word in config.args:
        path = Path(os.path.normpath(here / str(word).partition("::")[0]))
        if path != here:
            yield path


def without_contracts(config: pytest.Config) -> Iterator[str]:
    """Of the folders that were named, those that hold scripts, themselves or in `migrations`, as they are named."""
    for path in arguments(config):
        if any(next(folder.glob(f"*{_SCRIPT}"), None) for folder in (path, path / _MIGRATIONS)):
            yield os.path.relpath(path, config.invocation_params.dir)


def _root(file: Path) -> Path | None:
    """The project with contracts that the file belongs to: a folder with `migrations` and `contracts`, or one of
    migrations with a contract beside them, as `020.contract.toml`, or beside the one in a folder of its own."""
    if file.name == _CONTRACT:
        around = file.parents[2] if len(file.parents) > 2 and file.parents[1].name == _CONTRACTS else None
        return around if around and (around / _MIGRATIONS).is_dir() else None
    for folder in file.parents if file.suffix == _SCRIPT else ():
        if folder.name == _MIGRATIONS and (folder.parent / _CONTRACTS).is_dir():
            return folder.parent
    beside = [path.name for path in file.parent.glob(f"*{_BESIDE}")]
    if not beside or not any(file.parent.glob(f"*{_SCRIPT}")):
        return None
    folder = file.parent.parent if f"{file.parent.name}{_BESIDE}" in beside else file.parent
    return folder.parent if folder.name == _MIGRATIONS else folder


def _lies_in(path: Path, folder: Path) -> bool:
    return path == folder or folder in path.parents
