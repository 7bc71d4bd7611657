"""`pgcontract draft`: a contract to begin with, from what a migration really makes."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import click

from pgcontract.cli.folder_options import folder_options, path_argument, read_folder_options, read_path
from pgcontract.errors import InputError


@click.command("draft")
@path_argument
@folder_options
@click.option("--accept", is_flag=True, help="Accept the draft as the contract; without it the verdict stays INCOMPLETE.")
@click.option(
    "--waive", is_flag=True,
    help="With --accept: waive for 90 days what the migration breaks as it is; each waiver is printed.",
)  # fmt: skip
@click.option("-o", "--output", metavar="FILE", help="Write to FILE.  [default: the contract's usual path]")
@click.option("--through", metavar="ID", help="Only for that migration, where PATH has several.  [default: each]")
@click.option("--head", is_flag=True, help="One contract at the head, for all that the migrations come to.")
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
    "connection string.  [default: a role that is made for the run]",
)  # fmt: skip
def command(
    path: str | None,
    accept: bool,
    waive: bool,
    output: str | None,
    through: str | None,
    head: bool,
    pg: str,
    pg_run_as: str | None,
    **folder: Any,
) -> int:
    """Write a contract for each migration at PATH that has none: what it adds, changes and takes away.

    PATH is a project, a folder of migrations of any tool, or one .sql file, for that one alone; where it is left out, the
    one project or folder of migrations below the working folder. Where the migrations
    lie in a folder `migrations`, a contract goes to contracts/<migration>/contract.toml beside that folder, else next to
    the .sql file, to <migration>.contract.toml. Each is printed.
    """
    from pgcontract import runner
    from pgcontract.contract import load_project
    from pgcontract.drafting.chain_drafts import draft_chain, free_paths
    from pgcontract.drafting.contract_draft import write_draft
    from pgcontract.drafting.waivers import broken, with_waivers
    from pgcontract.model.input_file import is_there
    from pgcontract.reporting.markup import visible
    from pgcontract.result import RunOptions

    if waive and not accept:
        raise click.UsageError("--waive goes with --accept: a draft that nobody has read waives nothing.")
    path, found = read_path(path, "draft")
    project = load_project(path, options=read_folder_options(folder))
    if through is not None:
        project = project.through(through)
    if output is not None:
        if is_there(Path(output)):
            raise InputError("is there already, and a draft never overwrites; name another file with -o", file=output)
        paths = {project.head.key: Path(output)}
    elif head or through is not None or not Path(path).is_dir():
        paths = free_paths(project, [project.head])
    else:
        paths = free_paths(project, project.below(Path(path)))
    if pg == runner.NO_SERVER:
        raise InputError("a draft is written from what a server made of the migration; name one with --pg")
    if found is not None:
        click.echo(visible(found), err=True)
    options = RunOptions(pg=pg, pg_run_as=pg_run_as)
    drafts = draft_chain(project, paths, options=options, accept=accept, whole=head)
    texts = {draft.migration.key: draft.text for draft in drafts}
    if waive:
        findings = broken(project, texts, options=options)
        today = dt.datetime.now(dt.UTC).date()
        for key, text in texts.items():
            own = [finding for finding in findings if finding.migration == key]
            texts[key] = with_waivers(project, text, own, today=today)
        for finding in findings:
            click.echo(f"waived {visible(finding.item)}: {visible(finding.summary)}", err=True)
    for draft in drafts:
        write_draft(texts[draft.migration.key], draft.path)
        click.echo(f"wrote {visible(str(draft.path))}", err=True)
    return 0
