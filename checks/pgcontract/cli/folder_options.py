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
    click.option("--layout", metavar="NAME", help="Read the folder as this tool's, whatever it looks like."),
    click.option(
        "--set",
        "values",
        metavar="NAME=VALUE",
        multiple=True,
        help="The value of a placeholder in the migrations, as Flyway and psql have them; may be repeated. Where "
        "its name speaks of a password, secret, token or key, no report shows it.",
    ),
    click.option(
        "--setup",
        metavar="FILE",
        help="SQL to run before the first migration: what the tool, or another team, makes (a schema, roles). On a "
        "server of the run's own it runs as a superuser, on dsn:URL as the migrations do.",
    ),
    click.option(
        "--applied",
        metavar="ID",
        help="The last migration that production has; those behind it are pending.",
    ),
    click.option(
        "--history",
        metavar="SOURCE",
        envvar="PGCONTRACT_HISTORY",
        show_envvar=True,
        help="What production has, as the tool's own table says: FILE with what the SELECT of `pgcontract history` "
        "answers there, or dsn:URL, where that table alone is read.",
    ),
    click.option(
        "--since",
        metavar="REF",
        help="Judge whole what changed since git's REF, the working tree included; all else as it stands at the head.",
    ),
    click.option(
        "--stats",
        metavar="FILE",
        help="How many rows production has in its tables: what the SELECT of `pgcontract stats` prints there, pasted.",
    ),
    click.option(
        "--platform",
        metavar="NAME",
        type=click.Choice(("postgres", "supabase")),
        help="Whose roles, schemas and default privileges are there before the first migration: postgres or supabase.  "
        "[default: as pgcontract.toml says, else told by looking]",
    ),
)


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
