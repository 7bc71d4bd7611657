"""`pgcontract config`: what holds for a project or a folder of migrations, and where each value comes from."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from pgcontract.cli.folder_options import folder_options, path_argument, read_path
from pgcontract.cli.run_options import run_options

if TYPE_CHECKING:
    from pgcontract.contract.configuration import Configuration
    from pgcontract.contract.settings import Setting

# The options that stand in the place of a key.
_KEYS: Final = {
    "layout": "runner.layout",
    "applied": "runner.applied",
    "platform": "production.platform",
    "seed": "seed",
    "stats": "production.tables",
}
_REF: Final = "PGCONTRACT_PROJECT_REF"
_REF_KEY: Final = "document.project_ref"
_NAMES: Final = {"examples": "max-examples", "pg_run_as": "pg-run-as"}


@click.command("config")
@path_argument
@folder_options
@run_options
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(path: str | None, form: str, **given: Any) -> int:
    """Print what holds for PATH, and where each value comes from: a default, a file and line, the environment or an
    option. No server is asked, and no secret printed.

    It takes the options of `verify`: each beats the environment, which beats the files. PATH is by default the one
    project or folder of migrations below the working folder.
    """
    from pgcontract.contract.left_out import require_globs
    from pgcontract.contract.project_loading import configuration_for
    from pgcontract.contract.settings import settings
    from pgcontract.reporting.markup import visible

    path, found = read_path(path, "config")
    configuration = configuration_for(path)
    if Path(path).is_dir():  # of one file alone nothing is left out
        require_globs(configuration)
    said = [_with_major(setting, path, configuration, given["platform"]) for setting in settings(configuration)]
    values = list(_overridden(said, click.get_current_context(), given))
    files = [str(file.path) for file in configuration.files]
    farther = [str(file) for file in configuration.passed_over]
    if form == "json":
        document = {
            "path": path,
            "files": files,
            "not_read": farther,
            "settings": [{"key": one.key, "value": one.value, "from": one.source} for one in values],
        }
        click.echo(json.dumps(document, indent=2, ensure_ascii=True, default=str))
        return 0
    if found is not None:
        click.echo(visible(found))
    click.echo(visible(f"Read for {path}: {', '.join(files) or 'no file'}"))
    for file in farther:
        click.echo(visible(f"Not read: {file}, as there is a nearer one"))
    click.echo()
    rows = [(one.key, _word(one.value), one.source) for one in values]
    widths = [max(len(visible(row[at])) for row in rows) for at in range(2)]
    for key, value, source in rows:
        click.echo(f"{visible(key).ljust(widths[0])}  {visible(value).ljust(widths[1])}  {visible(source)}".rstrip())
    return 0


def _with_major(setting: Setting, path: str, configuration: Configuration, platform: str | None) -> Setting:
    """The setting; production's major version as Supabase's own configuration has it, where nothing else says it."""
    from pgcontract.contract.project_loading import major_for

    if setting.key != "production.postgres" or platform == "postgres":
        return setting
    said = major_for(path, configuration)
    return setting if said is None else replace(setting, value=said.major, source=said.source)


def _word(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case list() | tuple():
            return ", ".join(map(str, value))
        case _:
            return str(value)


def _overridden(settings: Iterable[Setting], context: click.Context, given: dict[str, Any]) -> Iterator[Setting]:
    """The files' values, with what the environment and the options say in their place; then what no file says."""
    from pgcontract.contract.settings import DEFAULT, Setting

    said = {name: source for name in given if (source := _source(context, name)) is not None}
    instead = {
        key: Setting(key=key, value=_shown(name, given[name]), source=said[name])
        for name, key in _KEYS.items()
        if name in said
    }
    if ref := os.environ.get(_REF):
        instead[_REF_KEY] = Setting(key=_REF_KEY, value=ref, source=_REF)
    printed: set[str] = set()
    for setting in settings:
        key = next((key for key in instead if setting.key == key or setting.key.startswith(f'{key}."')), None)
        if key is None:
            yield setting
        elif key not in printed:
            printed.add(key)
            yield instead[key]
    for name, value in given.items():
        if name in _KEYS:
            continue
        key = _NAMES.get(name, "set" if name == "values" else name)
        empty = value is None or value == ()
        yield Setting(key=key, value="none" if empty else _shown(name, value), source=said.get(name, DEFAULT))


def _source(context: click.Context, name: str) -> str | None:
    """The option or the variable that says it, if one does."""
    option = next(one for one in context.command.params if one.name == name)
    match context.get_parameter_source(name):
        case ParameterSource.COMMANDLINE:
            return option.opts[0]
        case ParameterSource.ENVIRONMENT:
            return str(option.envvar)
        case _:
            return None


def _shown(name: str, value: Any) -> Any:
    """The value without what may be secret in it."""
    from pgcontract.postgres.providers import redact_run_as, redact_spec

    match name:
        case "pg" | "history":
            return redact_spec(value)
        case "pg_run_as":
            return redact_run_as(value)
        case "values":
            return [word.partition("=")[0] for word in value]
        case _:
            return value
