"""The options that say how hard a project is asked, and on which server: the same for `verify` and `config`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from pgcontract.result import RunOptions

Function = TypeVar("Function", bound=Callable[..., Any])

_OPTIONS: Final = (
    click.option(
        "--pg", metavar="SPEC", default="auto", envvar="PGCONTRACT_PG", show_default=True, show_envvar=True,
        help="The server to use: auto, none, wheel, a major from 15 to 18, binaries[:DIR], docker[:IMAGE] or dsn:URL.",
    ),
    click.option(
        "--pg-run-as", metavar="LOGIN", envvar="PGCONTRACT_PG_RUN_AS", show_envvar=True,
        help="With dsn:URL, where its role may not make roles: the expendable login that migrations run as, by name or "
        "as a connection string.  [default: a role that is made for the run]",
    ),
    click.option(
        "--seed", metavar="N", type=int, envvar="PGCONTRACT_SEED", show_envvar=True,
        help="Seed of the random choices; the report prints it.  [default: `seed` of the configuration, else 0]",
    ),
    click.option(
        "--max-examples", "examples", metavar="N", type=click.IntRange(min=1), default=RunOptions.examples,
        help="How many random values to try for each promise, in addition to those that are always tried.  "
        f"[default: {RunOptions.examples}]",
    ),
    click.option(
        "--rows", metavar="N",
        help="Rows at the largest size to measure on, as 500k or 1M; two more sizes have a tenth and a hundredth of "
        "them.  [default: as the contract's data set says, else 100k]",
    ),
    click.option(
        "--timeout", metavar="TIME", default="120s", envvar="PGCONTRACT_TIMEOUT", show_default=True, show_envvar=True,
        help="The longest that one script or statement may take: 90, 90s, 2m, 500ms.",
    ),
    click.option("--strict", is_flag=True, help="Exit with code 1 for CAUTION too."),
)  # fmt: skip


def run_options(function: Function) -> Function:
    """Gives a command these options, by the names pg, pg_run_as, seed, examples, rows, timeout and strict."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function
