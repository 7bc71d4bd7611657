"""`pgcontract draft`: a contract to begin with, from what a migration really makes."""

from __future__ import annotations

import click


@click.command("draft")
@click.argument("path")
@click.option("--accept", is_flag=True, help="Take every part as promised; without it each waits to be accepted.")
@click.option("-o", "--output", metavar="FILE", help="Where to write, instead of the contract's own place.")
@click.option("--through", metavar="ID", help="The migration of a project to draft for; the head where none is named.")
@click.option(
    "--pg", metavar="SPEC", default="auto", envvar="PGCONTRACT_PG", show_default=True, show_envvar=True,
    help="Where the server comes from: auto, wheel, binaries[:DIR].",
)  # fmt: skip
def command(path: str, accept: bool, output: str | None, through: str | None, pg: str) -> int:
    """Write a contract of what the migration at PATH makes; never over a file that is there.

    PATH is a project, a folder of .sql files, or one .sql file. The contract goes to the project's
    contracts/<migration>/contract.toml, or beside the .sql file.
    """
    raise NotImplementedError
