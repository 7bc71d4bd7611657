"""Plug-ins: installed distributions that bring rules, value formats, layouts, report formats or providers of their own.

One says so by an entry point whose value is a module, in the group of what it brings:

    [project.entry-points."pgcontract.rules"]
    shop = "shop_pgcontract.rules"

A module may say which version of the public API it was written for, `PGCONTRACT_API = 1`. One that cannot be loaded, or
brings a name that is taken, stops the command with one error that names its distribution; PGCONTRACT_PLUGINS=none leaves
all of them out.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType, TracebackType
from typing import Final

from pgcontract.errors import InputError

API_VERSION: Final = 1
OLDEST_API: Final = 1
SETTING: Final = "PGCONTRACT_PLUGINS"
# The group of each kind, and what its modules have.
KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "rules": (),
    "formats": (),
    "layouts": ("NAME", "SENTENCE", "recognises", "read_folder"),
    "reports": ("FORMAT", "render"),
    "providers": ("USAGE", "parse_spec"),
}


class NameTaken(ValueError):
    """A check, a standard or another thing with a name is registered under one that is there already."""


@dataclass(frozen=True, kw_only=True, order=True)
class Plugin:
    """One entry point: the distribution that brings it, what kind of thing it brings, its name there and its module."""

    distribution: str
    version: str
    kind: str
    name: str
    module: str

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"

    @property
    def place(self) -> str:
        """Which of the distribution's entry points it is, as an error names it."""
        return f"entry point {self.name} = {self.module} in pgcontract.{self.kind}"


@cache
def plugins() -> tuple[Plugin, ...]:
    """Every plug-in that is installed, by distribution, kind and name; nothing of them is imported."""
    if os.environ.get(SETTING) == "none":
        return ()
    installed = entry_points()
    points = ((kind, point) for kind in KINDS for point in installed.select(group=f"pgcontract.{kind}"))
    return tuple(sorted({_plugin(point, kind) for kind, point in points}))


def plugins_of(kind: str) -> tuple[Plugin, ...]:
    """Those of one kind."""
    return tuple(plugin for plugin in plugins() if plugin.kind == kind)


def load(plugin: Plugin) -> ModuleType:
    """The plug-in's module, imported. What it registers meanwhile is known to be its own: `loading` says so.

    InputError, with the distribution, where it cannot be imported, is written for another version of the API, lacks what
    its kind has, or registers a name that is taken.
    """
    with as_loaded(plugin):
        module = import_module(plugin.module)
        _require_version(plugin, module)
        if missing := [name for name in KINDS[plugin.kind] if not hasattr(module, name)]:
            raise InputError(f"the module has no {' and no '.join(missing)}, which each of pgcontract.{plugin.kind} has")
    return module


@contextmanager
def as_loaded(plugin: Plugin) -> Iterator[None]:
    """What goes wrong inside is told as the plug-in's."""
    _loading.append(plugin)
    try:
        yield
    except (Exception, SystemExit) as error:
        explains = isinstance(error, NameTaken | InputError)
        why = getattr(error, "message", str(error)) if explains else f"{type(error).__name__}: {error}"
        raise InputError(
            f"the plug-in {plugin} cannot be loaded ({plugin.place}): {why.rstrip('.')}. Correct it, or uninstall "
            f"{plugin.distribution}; {SETTING}=none leaves all plug-ins out."
        ) from error
    finally:
        _loading.pop()


_loading: Final[list[Plugin]] = []


def loading() -> Plugin | None:
    """The plug-in that is being imported, None where it is pgcontract itself."""
    return _loading[-1] if _loading else None


def origin_of(plugin: Plugin | None) -> str:
    """Whose a thing is, as an error names it."""
    return f"the plug-in {plugin}" if plugin else "pgcontract itself"


def blamed_for(error: BaseException) -> str:
    """Whose fault an exception is: of a plug-in where the last frame of ours or of theirs is its own, else pgcontract."""
    whose = "pgcontract"
    packages = {plugin.module.partition(".")[0]: str(plugin) for plugin in plugins()}
    trace: TracebackType | None = error.__traceback__
    while trace is not None:
        package = str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
        whose = "pgcontract" if package == "pgcontract" else packages.get(package, whose)
        trace = trace.tb_next
    return whose


def _plugin(point: EntryPoint, kind: str) -> Plugin:
    name, version = (point.dist.name, point.dist.version) if point.dist else (point.module, "of no version")
    return Plugin(distribution=name, version=version, kind=kind, name=point.name, module=point.value)


def _require_version(plugin: Plugin, module: ModuleType) -> None:
    wanted = getattr(module, "PGCONTRACT_API", API_VERSION)
    if not isinstance(wanted, int) or not OLDEST_API <= wanted <= API_VERSION:
        known = f"{OLDEST_API} to {API_VERSION}" if OLDEST_API < API_VERSION else str(API_VERSION)
        remedy = (
            "upgrade pgcontract" if isinstance(wanted, int) and wanted > API_VERSION else f"upgrade {plugin.distribution}"
        )
        raise InputError(f"it is written for version {wanted} of the API, and this pgcontract has {known}: {remedy}")
    if wanted < API_VERSION:
        warnings.warn(
            f"the plug-in {plugin} is written for version {wanted} of pgcontract's API, which will go: see what changed "
            f"in version {API_VERSION}, and say PGCONTRACT_API = {API_VERSION}",
            DeprecationWarning,
            stacklevel=2,
        )
