"""Reports: one file a format, each with `FORMAT` and `render(run)`, found by looking."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

from pgcontract.errors import InputError
from pgcontract.finding import Run


@cache
def formats() -> Mapping[str, ModuleType]:
    """Every format by its name: the modules of this package that have one."""
    modules = (import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__))
    return {module.FORMAT: module for module in modules if hasattr(module, "FORMAT")}


def render(run: Run, format: str) -> str:  # noqa: A002 - the word of --format
    """The Run as `markdown`, `json`, `text` or `github`; InputError names them where it is none of these."""
    known = formats()
    if format not in known:
        raise InputError(f"There is no report format {format!r}. Choose one of: {', '.join(sorted(known))}.")
    rendered: str = known[format].render(run)
    return rendered


def write_reports(run: Run, directory: Path) -> tuple[Path, ...]:
    """Writes `<directory>/<migration>/deployment.md` and `run.json`, each whole or not at all."""
    if run.migration in ("", ".", "..") or Path(run.migration).name != run.migration:
        raise InputError(f"The migration's name {run.migration!r} cannot be the name of a report's folder.")
    folder = directory / run.migration
    texts = {folder / "deployment.md": render(run, "markdown"), folder / "run.json": render(run, "json")}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            _write(path, text)
    except OSError as error:
        raise InputError(
            f"The report cannot be written to {folder}: {error.strerror}. Name a folder you may write to with --report."
        ) from error
    return tuple(texts)


def _write(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8", newline="\n")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
