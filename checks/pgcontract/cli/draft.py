"""`pgcontract draft`: a contract to begin with, from what a migration really makes."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import click

from pgcontract.cli.folder_options import folder_options, read_folder_options
from pgcontract.errors import InputError


@click.command("draft")
@click.argument("path")
@folder_options
@click.option("--accept", is_flag=True, help="Accept the draft as the contract; without it the verdict stays INCOMPLETE.")
@click.option(
    "--waive", is_flag=True,
    help="With --accept: waive for 90 days what the migration breaks as it is; each waiver is printed.",
)  # fmt: skip
@click.option("-o", "--output", metavar="FILE", help="Write to FILE, not to the contract's usual path.")
@click.option("--through", metavar="ID", help="The migration to draft for, where PATH has several.  [default: the last]")
@click.option(
    "--pg",
    metavar="SPEC",
    default="auto",
    envvar="PGCONTRACT_PG",
    show_default=True,
    show_envvar=True,
    help="The server to use: auto, wheel, a major from 15 to 18, binaries[:DIR], docker[:IMAGE] or dsn:URL.",
)
@click.option(
    "--pg-run-as", metavar="LOGIN", envvar="PGCONTRACT_PG_RUN_AS", show_envvar=True,
    help="With dsn:URL, where its role may not make roles: the expendable login that migrations run as, by name or as a "
    "connection string.",
)  # fmt: skip
def command(
    path: str,
    accept: bool,
    waive: bool,
    output: str | None,
    through: str | None,
    pg: str,
    pg_run_as: str | None,
    **folder: Any,
) -> int:
    """Write a contract of what the migration at PATH creates; an existing file is never overwritten.

    PATH is a project, a folder of migrations of any tool, or one .sql file. In a project the contract goes to
    contracts/<migration>/contract.toml, else next to the .sql file, to <migration>.contract.toml.
    """
    from pgcontract import runner
    from pgcontract.contract import contract_path, load_project
    from pgcontract.drafting.contract_draft import draft_contract, write_draft
    from pgcontract.drafting.waivers import broken, with_waivers
    from pgcontract.model.input_file import is_there, require_inside
    from pgcontract.postgres.platform import MIGRATOR
    from pgcontract.reporting.markup import visible
    from pgcontract.result import RunOptions

    if waive and not accept:
        raise click.UsageError("--waive goes with --accept: a draft that nobody has read waives nothing.")
    project = load_project(path, options=read_folder_options(folder))
    if through is not None:
        project = project.through(through)
    target = Path(output) if output is not None else contract_path(project)
    if output is None:
        require_inside(target, project.root)
    if is_there(target):
        raise InputError("is there already, and a draft never overwrites; name another file with -o", file=str(target))
    if pg == runner.NO_SERVER:
        raise InputError("a draft is written from what a server made of the migration; name one with --pg")
    options = RunOptions(pg=pg, pg_run_as=pg_run_as)
    added, removed = runner.changes(project, options)
    earlier = project.chain[:-1]
    text = draft_contract(
        added,
        migration=project.head.file,
        accept=accept,
        owner=MIGRATOR,
        inherited=project.declared(earlier[-1].key) if earlier else None,
        removed=removed,
    )
    if waive:
        findings = broken(project, text, options=options)
        text = with_waivers(project, text, findings, today=dt.datetime.now(dt.UTC).date())
        for finding in findings:
            click.echo(f"waived {visible(finding.item)}: {visible(finding.summary)}", err=True)
    write_draft(text, target)
    click.echo(f"wrote {visible(str(target))}", err=True)
    return 0
