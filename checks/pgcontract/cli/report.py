"""`pgcontract report`: any report again, from the run.json of a verification; no server is asked."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pgcontract.cli.report_check import check_report
from pgcontract.cli.report_format import (
    FORMAT_HELP,
    Destination,
    ReportFormat,
    rendered,
    split_destinations,
    write_formats,
)
from pgcontract.cli.run_json import read_run_json
from pgcontract.reporting.output_folder import require_writable


@click.command("report")
@click.argument("run_json", metavar="RUN.json", required=False)
@click.option(
    "--format", "destinations", type=ReportFormat(), multiple=True,
    help=f"{FORMAT_HELP}  [default: markdown, where no file is named]",
)  # fmt: skip
@click.option("--verbose", "-v", is_flag=True, help="With --format text: everything that is wrong, however long.")
@click.option("--first-screen", is_flag=True, help="Print only the summary that a reviewer reads first, as Markdown.")
@click.option(
    "--since", metavar="RUN.json",
    help="With --first-screen: then what has changed since that run, as `pgcontract diff` says it.",
)  # fmt: skip
@click.option(
    "--check", "checked", metavar="FILE",
    help="Say whether FILE, a run.json or a page beside it, is true of the files and the tool here: 0, or 1 where it is "
    "stale. In the place of RUN.json a project may be named, where it is not the run's own.",
)  # fmt: skip
@click.option("--evidence", metavar="ID", help="Print one piece of evidence whole, by the E… that reports name.")
@click.option("--report", metavar="DIR", help="Write all files of the report to DIR/<migration>/ and print nothing.")
def command(
    run_json: str | None,
    since: str | None,
    checked: str | None,
    destinations: tuple[Destination, ...],
    verbose: bool,
    first_screen: bool,
    evidence: str | None,
    report: str | None,
) -> int:
    """Print or write the report of an earlier run from RUN.json.

    The exit code is 0, whatever the verdict; 4 where a check of that run failed by a bug of pgcontract.
    """
    from pgcontract.reporting import markdown, write_reports
    from pgcontract.reporting.diff_markdown import render_diff
    from pgcontract.reporting.evidence_text import evidence_text
    from pgcontract.reporting.markup import visible

    if checked is not None:
        return check_report(checked, run_json)
    if run_json is None:
        raise click.UsageError("Missing argument 'RUN.json'.")
    printed, files = split_destinations(destinations)
    form = printed or (None if files else "markdown")
    run = read_run_json(run_json).run
    earlier = read_run_json(since).run if since is not None else None
    write_formats(run, files)
    if report is not None:
        require_writable(Path(report), "report folder")
        write_reports(run, Path(report))
    elif evidence is not None:
        click.echo(evidence_text(run, evidence), nl=False)
    elif first_screen:
        click.echo(markdown.first_screen(run), nl=False)
        if earlier is not None:
            click.echo(f"\n{render_diff(earlier, run, heading='## What changes')}", nl=False)
    elif form is not None:
        click.echo(rendered(run, form, verbose=verbose, stream=sys.stdout), nl=False)
    if run.fault:
        click.echo(f"error: {visible(run.fault)}", err=True)
        return run.exit_code
    return 0
