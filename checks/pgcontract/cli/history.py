"""`pgcontract history`: the SELECT whose answer `--history` takes."""

from __future__ import annotations

import click

from pgcontract.cli.folder_options import path_argument, read_path


@click.command("history")
@path_argument
@click.option(
    "--layout", metavar="NAME", help="Read the folder as this tool's, whatever it looks like.  [default: told by looking]"
)
def command(path: str | None, layout: str | None) -> int:
    """Print the SELECT that tells which migrations of PATH production has.

    PATH is by default the one project or folder of migrations below the working folder.

    It reads the table in which the folder's tool keeps that. Run it in production, in psql or a web editor, save what it
    answers, as text, CSV, Markdown or JSON, and give that file to `pgcontract verify --history FILE`.
    """
    from pgcontract.contract import FolderOptions, history_select, load_project

    path, _ = read_path(path, "history")
    click.echo(history_select(load_project(path, options=FolderOptions(layout=layout))))
    return 0
