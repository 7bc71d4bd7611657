"""`pgcontract verify`: one verdict about a chain of migrations, as a report, as JSON and on the terminal."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

import click

from pgcontract.cli.baseline import read_baseline_options, require_one_use, verify_and_write
from pgcontract.cli.folder_options import folder_options, path_argument, read_folder_options, read_path
from pgcontract.cli.progress import show_progress
from pgcontract.cli.report_format import (
    FORMAT_HELP,
    STANDARD_OUTPUT,
    Destination,
    ReportFormat,
    rendered,
    split_destinations,
    write_formats,
)
from pgcontract.cli.run_options import run_options
from pgcontract.cli.standard_input import STANDARD_INPUT, read_standard_input
from pgcontract.cli.step_summary import add_step_summary
from pgcontract.cli.watch import require_terminal
from pgcontract.cli.watch import watch as watch_folder
from pgcontract.model.duration import read_duration
from pgcontract.model.linters import LINTERS
from pgcontract.reporting.output_folder import require_file, require_writable, write_file
from pgcontract.result import RunOptions


@click.command("verify")
@path_argument
@folder_options
@click.option(
    "--through", metavar="ID", help="Stop the chain at this migration (020, or its full name).  [default: the last]"
)
@run_options
@click.option(
    "--only",
    metavar="GLOB",
    multiple=True,
    help="Run only matching checks: column.*, column.type[email].  [default: every check]",
)
@click.option(
    "--skip",
    metavar="GLOB",
    multiple=True,
    help="Leave out matching checks; may be repeated, as may --only.  [default: none]",
)
@click.option("--report", metavar="DIR", help="Write all files of the report to DIR/<migration>/.  [default: none]")
@click.option(
    "--json",
    "json_file",
    metavar="FILE",
    help="Write the whole run to FILE as JSON; - is standard output.  [default: none]",
)
@click.option("--format", "destinations", type=ReportFormat(), multiple=True, help=f"{FORMAT_HELP}  [default: text]")
@click.option(
    "--with", "linters", type=click.Choice(LINTERS), multiple=True,
    help="Add what this program says of the pending files, as notes; it must be installed.  [default: none]",
)  # fmt: skip
@click.option("--verbose", "-v", is_flag=True, help="Show everything that is wrong, however long.")
@click.option(
    "--baseline", metavar="FILE",
    help="What is known to be wrong: it is counted, and decides nothing.  [default: pgcontract-baseline.toml in the "
    "project, or <folder>.pgcontract-baseline.toml beside a folder of migrations, if it is there]",
)  # fmt: skip
@click.option("--no-baseline", is_flag=True, help="Judge as if there were no baseline.")
@click.option("--write-baseline", is_flag=True, help="Write what is wrong now to the baseline.")
@click.option("--prune-baseline", is_flag=True, help="Remove from the baseline what applies no more.")
@click.option(
    "--watch", is_flag=True, help="Ask again on each save what the change can affect, on one screen, until Ctrl-C."
)
@click.option(
    "--contract", metavar="FILE", help="The contract to use, where PATH is one .sql file.  [default: the one beside it]"
)
def command(
    path: str | None,
    through: str | None,
    pg: str,
    pg_run_as: str | None,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    seed: int | None,
    examples: int,
    rows: str | None,
    timeout: str,
    report: str | None,
    json_file: str | None,
    destinations: tuple[Destination, ...],
    linters: tuple[str, ...],
    verbose: bool,
    strict: bool,
    contract: str | None,
    watch: bool,
    baseline: str | None,
    no_baseline: bool,
    write_baseline: bool,
    prune_baseline: bool,
    **folder: Any,
) -> int:
    """Run the migrations of PATH on a fresh server and check what they promise.

    PATH is a project (contracts/ next to migrations/), a folder of migrations of any tool, or one .sql file; - reads a
    script from standard input. Left out: the one project or folder of migrations below the working folder.
    """
    printed, files = split_destinations(destinations)
    form = printed or "text"
    timeout_ms = read_duration(timeout, option="--timeout")
    if report is not None:
        require_writable(Path(report), "report folder")
    if json_file not in (None, STANDARD_OUTPUT):
        require_writable(Path(json_file).parent, "folder of the JSON file")
        require_file(Path(json_file), "--json")

    if watch:
        require_terminal()
        written = report, json_file, printed, *files, write_baseline, prune_baseline
        if path == STANDARD_INPUT or any(written):
            raise click.UsageError("--watch shows a page, and writes nothing: leave out what writes a file, and -")
    require_one_use(baseline, no_baseline=no_baseline, write=write_baseline, prune=prune_baseline)
    if path == STANDARD_INPUT and (write_baseline or prune_baseline):
        raise click.UsageError("a baseline goes with files: standard input is known by no name the next time")

    from pgcontract import runner
    from pgcontract.cli.process_cost import with_whole_process
    from pgcontract.contract import load_project, load_script
    from pgcontract.probes.linter_notes import find_linter
    from pgcontract.reporting import write_reports
    from pgcontract.reporting.markup import visible

    largest_size: int | None = None
    if rows is not None:
        from pgcontract.performance.loading import read_rows

        largest_size = read_rows(rows, option="--rows")
    for linter in linters:
        find_linter(linter)
    options = RunOptions(
        pg=pg,
        pg_run_as=pg_run_as,
        through=through,
        only=only,
        skip=skip,
        seed=seed,
        examples=examples,
        rows=largest_size,
        timeout_ms=timeout_ms,
        strict=strict,
        linters=linters,
    )
    path, found = read_path(path, "verify")
    if found is not None and not watch:
        click.echo(visible(found), err=form != "text" or json_file == STANDARD_OUTPUT)
    read = read_baseline_options(read_folder_options(folder), baseline, no_baseline=no_baseline, write=write_baseline)
    if path == STANDARD_INPUT:
        if contract is not None:
            raise click.UsageError("--contract goes with a file: standard input has no contract")
        project = load_script(read_standard_input(), name="standard input", options=read)
    elif not watch:
        project = load_project(path, contract=contract, options=read)
    if watch:
        return watch_folder(partial(load_project, path, contract=contract, options=read), options, path, verbose=verbose)
    with show_progress() as notify:
        if write_baseline or prune_baseline:
            run, notes = verify_and_write(project, options, baseline, prune=prune_baseline, notify=notify)
        else:
            run, notes = runner.verify(project, options, notify=notify), ()
        run = with_whole_process(run)
    if json_file is not None and json_file != STANDARD_OUTPUT:
        from pgcontract.reporting.json import to_json

        write_file(Path(json_file), to_json(run))
    write_formats(run, files)
    add_step_summary(run)
    written = write_reports(run, Path(report)) if report is not None else ()
    if json_file == STANDARD_OUTPUT:
        from pgcontract.reporting.json import FORMAT, to_json

        click.echo(to_json(run), nl=False)
        # What is for a person goes where it cannot end up in what a program reads.
        if form != FORMAT:
            click.echo(rendered(run, form, verbose=verbose, stream=sys.stderr), nl=False, err=True)
    else:
        click.echo(rendered(run, form, verbose=verbose, stream=sys.stdout), nl=False)
    for line in notes:
        click.echo(visible(line), err=True)
    for file in written:
        click.echo(f"wrote {visible(str(file))}", err=True)
    if run.fault:
        click.echo(f"error: {visible(run.fault)}", err=True)
    return run.exit_code
