"""`pgcontract diff`: what differs between two runs; no server is asked."""

from __future__ import annotations

import click


@click.command("diff")
@click.argument("before", metavar="RUN_A.json")
@click.argument("after", metavar="RUN_B.json")
@click.option("--format", "form", type=click.Choice(["markdown", "json"]), default="markdown", show_default=True)
def command(before: str, after: str, form: str) -> int:
    """Print what changes from RUN_A.json to RUN_B.json: findings, promises, claims, shape, cost and files.

    Each is the run.json of a verification, the first of what was there before. The exit code is 0, whatever changed.
    """
    from pgcontract.cli.run_json import read_run_json
    from pgcontract.reporting.diff_markdown import render_diff
    from pgcontract.reporting.run_diff import compare_runs

    old, new = read_run_json(before).run, read_run_json(after).run
    if form == "json":
        from pydantic import TypeAdapter

        from pgcontract.reporting.run_diff import RunDiff

        click.echo(TypeAdapter(RunDiff).dump_json(compare_runs(old, new), indent=2).decode())
    else:
        click.echo(render_diff(old, new), nl=False)
    return 0
