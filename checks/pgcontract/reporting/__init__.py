"""Reports: one file a format, found by looking, or a plug-in's.

Each has its name, `FORMAT`, which is the module's too, and `render(run)`; and `FILE`, the name of its file, where it is
a page of the folder that --report writes. A plug-in's is called what its entry point is, so that it need not be imported
to be known.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

from pgcontract.errors import InputError
from pgcontract.plugins import NameTaken, Plugin, as_loaded, load, origin_of, plugins_of
from pgcontract.reporting.output_folder import write_folder
from pgcontract.result import Run


@cache
def formats() -> Mapping[str, ModuleType]:
    """Every format by its name: the modules of this package that have one, and those of plug-ins. InputError where a
    plug-in cannot be loaded."""
    modules = {name: _format_module(name) for name in (*_module_names(), *_plugged())}
    known = {name: module for name, module in modules.items() if module is not None}
    pages: dict[str, str] = {}
    for name, module in known.items():
        if file := getattr(module, "FILE", None):
            if file in pages:
                with as_loaded(_plugged()[name]):
                    raise NameTaken(f"its FILE is {file}, which the format {pages[file]} writes already")
            pages[file] = name
    return known


def render(run: Run, format: str) -> str:  # noqa: A002 - the word of --format
    """The Run in a format by its name; InputError names those there are where it is none of them."""
    module = _format_module(format)
    if module is None:
        raise InputError(f"There is no report format {format!r}. Choose one of: {', '.join(formats())}.")
    rendered: str = module.render(run)
    return rendered


def is_format(name: str) -> bool:
    """Whether there is a format of that name."""
    return _format_module(name) is not None


def _format_module(name: str) -> ModuleType | None:
    """The module of one format; those of the others are not imported, for their libraries take longer than a page."""
    if name in _module_names():
        module = import_module(f"{__name__}.{name}")
        if hasattr(module, "FORMAT"):
            return module
    return _plugged_module(_plugged()[name]) if name in _plugged() else None


@cache
def _plugged_module(plugin: Plugin) -> ModuleType:
    module = load(plugin)
    with as_loaded(plugin):
        if plugin.name != module.FORMAT:
            raise NameTaken(f"its FORMAT is {module.FORMAT!r}, and its entry point is called {plugin.name!r}")
    return module


@cache
def _plugged() -> Mapping[str, Plugin]:
    """The plug-ins by the formats that they bring. InputError where one brings a format that is there already."""
    found: dict[str, Plugin] = {}
    for plugin in plugins_of("reports"):
        with as_loaded(plugin):
            if plugin.name in found or plugin.name in _module_names():
                owner = origin_of(found.get(plugin.name))
                raise NameTaken(f"the name {plugin.name} is taken already, by {owner}; give the format another")
        found[plugin.name] = plugin
    return found


@cache
def _module_names() -> tuple[str, ...]:
    return tuple(sorted(module.name for module in iter_modules(__path__)))


def write_reports(run: Run, directory: Path) -> tuple[Path, ...]:
    """Writes each format that has a FILE and, where something was measured, the pictures in `charts` to
    `<directory>/<migration>`; gives the files, sorted, and that folder. What an earlier run wrote there and this one
    does not is removed, nothing else is; no symbolic link in `directory` is followed."""
    if run.migration in ("", ".", "..") or Path(run.migration).name != run.migration:
        raise InputError(f"The migration's name {run.migration!r} cannot be the name of a report's folder.")
    from pgcontract.reporting.charts import charts

    folder = directory / run.migration
    files = {module.FILE: name for name, module in formats().items() if hasattr(module, "FILE")}
    pages = {file: render(run, name) for file, name in sorted(files.items())}
    pictures = {f"charts/{chart.name}.svg": chart.svg for chart in charts(run)}
    try:
        write_folder(folder, pages | pictures)
    except OSError as error:
        why = error.strerror
        if any(path.is_symlink() for path in (folder, folder / "charts")):
            why = "it, or `charts` in it, is a symbolic link, and those are not followed"
        raise InputError(
            f"The report cannot be written to {folder}: {why}. Name a folder you may write to with --report."
        ) from error
    return (*(folder / file for file in pages), *([folder / "charts"] if pictures else []))
