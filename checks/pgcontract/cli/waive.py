"""`pgcontract waive`: a waiver for one broken promise, written where it belongs."""

from __future__ import annotations

import datetime as dt
import shlex
from pathlib import Path
from typing import Any

import click

from pgcontract.cli.folder_options import folder_options, path_argument, read_folder_options, read_path
from pgcontract.cli.progress import show_progress
from pgcontract.errors import InputError


@click.command("waive")
@click.argument("item", metavar="CHECK[SUBJECT]")
@path_argument
@click.option("--reason", metavar="TEXT", help="Why it may be so.  [required]")
@click.option("--owner", metavar="NAME", help="Who answers for it.  [default: the document's owner in pgcontract.toml]")
@click.option(
    "--until", metavar="DATE",
    help="The last day it holds, as in 2026-12-31: at most a year away, 90 days for what is critical.  "
    "[required]",
)  # fmt: skip
@click.option("--migration", metavar="ID", help="Whose promise it is, where several migrations break it.")
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
@folder_options
@click.option(
    "--pg", metavar="SPEC", default="auto", envvar="PGCONTRACT_PG", show_default=True, show_envvar=True,
    help="The server to ask: auto, wheel, a major from 15 to 18, binaries[:DIR], docker[:IMAGE] or dsn:URL.",
)  # fmt: skip
@click.option(
    "--pg-run-as", metavar="LOGIN", envvar="PGCONTRACT_PG_RUN_AS", show_envvar=True,
    help="With dsn:URL, where its role may not make roles: the expendable login that migrations run as, by name or as a "
    "connection string.",
)  # fmt: skip
def command(
    item: str,
    path: str | None,
    reason: str | None,
    owner: str | None,
    until: str | None,
    migration: str | None,
    dry_run: bool,
    pg: str,
    pg_run_as: str | None,
    **folder: Any,
) -> int:
    """Ask whether CHECK[SUBJECT] is broken at PATH, as a report names it, and write a waiver for it.

    The waiver goes into the contract of the migration that it is about, and takes the place of one of the same check and
    subject; where there is no contract, one is written that promises nothing else. What changes is printed.
    PATH is a project, a folder of migrations, or one .sql file; left out, the one that is found below.
    """
    from pgcontract.contract import Waiver, load_project
    from pgcontract.model.input_file import is_there
    from pgcontract.reporting.markup import visible
    from pgcontract.reporting.output_folder import require_file, write_file
    from pgcontract.result import RunOptions
    from pgcontract.runner import verify
    from pgcontract.runner.waiving import read_item, read_until, waive

    today = dt.datetime.now(dt.UTC).date()
    check, subject = read_item(item)
    if reason is None or until is None:
        say = f" --owner {shlex.quote(owner)}" if owner else " --owner NAME"
        lacking = " and ".join(name for name, value in (("--reason", reason), ("--until", until)) if value is None)
        day = today + dt.timedelta(days=90)
        raise InputError(
            f"a waiver says why, and until when: {lacking} {'are' if ' and ' in lacking else 'is'} missing, as in\n"
            f"  pgcontract waive '{item}' --reason 'Ann mends it with the next release'{say} --until {day}"
        )
    last = read_until(until, today)
    path, found = read_path(path, f"waive '{check}[…]'")
    if found is not None:
        click.echo(visible(found), err=True)
    project = load_project(path, options=read_folder_options(folder))
    owner = owner or project.document.get("owner")
    if not owner:
        raise click.UsageError("who answers for it? Say so with --owner.")
    if not reason.strip() or not owner.strip():
        raise click.UsageError("a waiver needs a reason and an owner, and one of the two is blank.")
    with show_progress() as notify:
        run = verify(project, RunOptions(only=(check,), pg=pg, pg_run_as=pg_run_as), notify=notify)
    waiver = Waiver(check=check, subject=subject, reason=reason.strip(), owner=owner.strip(), until=last)
    written = waive(project, run, waiver, migration=migration, today=today)
    click.echo(visible(written.difference, lines=True), nl=False)
    file = Path(written.path)
    if dry_run:
        click.echo(f"would write {visible(str(file))}; nothing was written", err=True)
        return 0
    require_file(file, "the contract")
    if not is_there(file):
        file.parent.mkdir(parents=True, exist_ok=True)
    write_file(file, written.text)
    click.echo(f"wrote {visible(str(file))}: {visible(written.sentence)}", err=True)
    return 0
