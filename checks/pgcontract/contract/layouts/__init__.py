"""Layouts of migration folders: how a tool names, orders and runs its files is known to one file here, and nowhere else.

A layout is a module of this package that is a `Layout`; nothing lists them.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final, Protocol

from pgcontract.contract.layouts import flat
from pgcontract.contract.migration import Migration


class Layout(Protocol):
    """One way to lay out migrations in a folder."""

    @property
    def NAME(self) -> str:  # noqa: N802 - a constant of the module
        """Its name, for people."""

    def recognises(self, folder: Path) -> bool:
        """Whether the folder is laid out like this."""

    def read_folder(self, folder: Path) -> tuple[Migration, ...]:
        """Every migration of the folder, in any order. Raises InputError where there is no folder or nothing in it."""

    def read_file(self, path: Path) -> Migration:
        """The migration that a path names alone. Raises InputError where it is none."""

    def order(self, migrations: Sequence[Migration]) -> tuple[Migration, ...]:
        """These, in the order in which the tool applies them. Raises InputError where it is not known."""


_ANY_FOLDER: Final[Layout] = flat


@cache
def layouts() -> Mapping[str, Layout]:
    """Every layout by its name; last the one that takes any folder."""
    modules = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    known: dict[str, Layout] = {module.NAME: module for module in modules if module is not _ANY_FOLDER}
    return known | {_ANY_FOLDER.NAME: _ANY_FOLDER}


def layout_of(folder: Path) -> Layout:
    """The layout of a folder of migrations: the first that recognises it."""
    return next(layout for layout in layouts().values() if layout.recognises(folder))
