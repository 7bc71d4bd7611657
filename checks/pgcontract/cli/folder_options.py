"""The options that say of a folder what is not to be told by looking: the same for each command that reads one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    from pgcontract.contract import FolderOptions

Function = TypeVar("Function", bound=Callable[..., Any])

_OPTIONS: Final = (
    click.option(
        "--layout",
        metavar="NAME",
        envvar="PGCONTRACT_LAYOUT",
        show_envvar=True,
        help="Read the folder as this tool's, whatever it looks like.  [default: as the configuration says, else told by "
        "looking]",
    ),
    click.option(
        "--set",
        "values",
        metavar="NAME=VALUE",
        multiple=True,
        help="The value of a placeholder in the migrations, as Flyway and psql have them; may be repeated. Where "
        "its name speaks of a password, secret, token or key, no report shows it.  [default: none]",
    ),
    click.option(
        "--setup",
        metavar="FILE",
        help="SQL to run before the first migration: what the tool, or another team, makes (a schema, roles). On a "
        "server of the run's own it runs as a superuser, on dsn:URL as the migrations do.  [default: none]",
    ),
    click.option(
        "--applied",
        metavar="ID",
        envvar="PGCONTRACT_APPLIED",
        show_envvar=True,
        help="The last migration that production has; those behind it are pending.  [default: as the configuration says, "
        "else all but the last]",
    ),
    click.option(
        "--history",
        metavar="SOURCE",
        envvar="PGCONTRACT_HISTORY",
        show_envvar=True,
        help="What production has, as the tool's own table says: FILE with what the SELECT of `pgcontract history` "
        "answers there, or dsn:URL, where that table alone is read.  [default: none]",
    ),
    click.option(
        "--since",
        metavar="REF",
        help="Judge whole what changed since git's REF, the working tree included; all else as it stands at the head.  "
        "[default: the whole chain is judged]",
    ),
    click.option(
        "--stats",
        metavar="FILE",
        help="How many rows production has in its tables: what the SELECT of `pgcontract stats` prints there, pasted.  "
        "[default: [production.tables] of the configuration, else not known]",
    ),
    click.option(
        "--platform",
        metavar="NAME",
        type=click.Choice(("postgres", "supabase")),
        envvar="PGCONTRACT_PLATFORM",
        show_envvar=True,
        help="Whose roles, schemas and default privileges are there before the first migration: postgres or supabase.  "
        "[default: as the configuration says, else told by looking]",
    ),
)


def path_argument(function: Function) -> Function:
    """Gives a command a PATH that may be left out; what it gets goes to `read_path`."""
    return click.argument("path", required=False)(function)


def read_path(path: str | None, command: str) -> tuple[str, str | None]:
    """The path, and the sentence that names it where it was left out, or where it is the one below a folder that was
    named. Raises InputError, with what to type for that command, where there is not the one folder that can be meant."""
    from pgcontract.contract.found_folder import find_folder, folder_below
    from pgcontract.errors import InputError

    if path == "":
        raise InputError("PATH is an empty text, as of a variable that is not set; leave it out, or name a folder")
    found = find_folder(f"pgcontract {command}") if path is None else folder_below(Path(path))
    return (str(found.path), found.sentence) if found else (str(path), None)


def folder_options(function: Function) -> Function:
    """Gives a command these options; what it gets by their names goes to `read_folder_options`."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def read_folder_options(options: dict[str, Any]) -> FolderOptions:
    """What the owner said. Raises InputError where a value has no name."""
    from pgcontract.contract import FolderOptions, read_values

    setup, stats = options["setup"], options["stats"]
    return FolderOptions(
        layout=options["layout"],
        platform=options["platform"],
        values=read_values(options["values"], option="--set"),
        applied=options["applied"],
        since=options["since"],
        history=options["history"],
        setup=Path(setup) if setup is not None else None,
        stats=Path(stats) if stats is not None else None,
    )
