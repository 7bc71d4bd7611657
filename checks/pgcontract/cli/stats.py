"""`pgcontract stats`: the SELECT whose answer `--stats` takes."""

from __future__ import annotations

import click


@click.command("stats")
def command() -> int:
    """Print the SELECT that tells how many rows production's tables have.

    Run it in production, in psql or a web editor; it reads the catalog alone. Save what it answers, as text, CSV,
    Markdown or JSON, and give that file to `pgcontract verify --stats FILE`.
    """
    from pgcontract.contract.table_rows import SELECT

    click.echo(SELECT, nl=False)
    return 0
