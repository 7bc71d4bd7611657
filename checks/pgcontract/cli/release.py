"""`pgcontract release`: one folder with all that an operator needs to deploy what was verified."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from pgcontract.cli.run_json import read_run_json
from pgcontract.errors import InputError
from pgcontract.reporting.output_folder import require_writable, write_folder

if TYPE_CHECKING:
    from pgcontract.contract import Project
    from pgcontract.result import Run

METHODS: Final = ("editor", "db-push", "psql", "tool")
NOT_RELEASED: Final = 1


@click.command("release")
@click.argument("run_json", metavar="RUN.json")
@click.option("--out", metavar="DIR", required=True, help="The folder to write; what is not ours there stays.")
@click.option(
    "--method", "methods", type=click.Choice(METHODS), multiple=True,
    help="How it will be deployed; may be repeated.  [default: every way that works for these files]",
)  # fmt: skip
@click.option(
    "--project-ref", metavar="REF", envvar="PGCONTRACT_PROJECT_REF", show_envvar=True,
    help="The Supabase project.  [default: as pgcontract.toml says]",
)  # fmt: skip
@click.option(
    "--pooler", metavar="HOST", help="The host of Supabase's session pooler, for psql where IPv6 is not to be had."
)
def command(run_json: str, out: str, methods: tuple[str, ...], project_ref: str | None, pooler: str | None) -> int:
    """Gather for an operator what RUN.json verified: the SQL with its checksums, the way back, the report, and a
    checklist of the steps that apply. RUN.json is what `verify --report DIR` or `--json FILE` wrote.

    What is BLOCKED or INCOMPLETE, judged only in part, or no more what was verified is refused, with exit code 1.
    """
    from pgcontract.reporting.markup import visible
    from pgcontract.reporting.release import Method, release

    read = read_run_json(run_json)
    if read.edited:
        raise InputError("was changed after it was written, so it shows nothing. Verify again.", file=run_json)
    run = read.run
    if refusals := _refusals(run):
        click.echo(f"error: nothing is released. {refusals[0]}", err=True)
        return run.exit_code or NOT_RELEASED
    project, changes = _project_now(run)
    if changes:
        click.echo("error: nothing is released: these files are not those that were verified.", err=True)
        for change in changes:
            click.echo(f"  {visible(change)}", err=True)
        click.echo(f"Verify again: pgcontract verify {visible(run.project)} --json {visible(run_json)}", err=True)
        return NOT_RELEASED
    pending = [migration for migration in project.chain if migration.key in run.pending]
    made = release(run, pending, methods=[Method(word) for word in methods], project_ref=project_ref, pooler=pooler)
    folder = Path(out)
    require_writable(folder, "folder of the release")
    try:
        write_folder(folder, made.contents)
    except OSError as error:
        raise InputError(f"The release cannot be written to {out}: {error.strerror}. Name another folder.") from error
    names = ", ".join(run.display_name(key) for key in run.pending)
    ways = ", ".join(method.value for method in made.methods)
    click.echo(f"{visible(out)} has the release of {visible(names)}, by {ways}. Begin with {visible(out)}/CHECKLIST.md.")
    return 0


def _refusals(run: Run) -> list[str]:
    from pgcontract.reporting.unchecked import left_out
    from pgcontract.result import Decision

    said = []
    if run.fault:
        said.append(f"{run.fault[0].upper()}{run.fault[1:]}")
    if run.verdict.decision in (Decision.BLOCKED, Decision.INCOMPLETE):
        said.append(f"The verdict is {run.verdict.decision.value}; `pgcontract report RUN.json --format text` says why.")
    if left_out(run):
        said.append("That run judged only a part (--only, --skip). Verify without them.")
    if not run.pending or not run.sources:
        said.append("That run does not say what is pending, or of which files it is. Verify again.")
    return said


def _project_now(run: Run) -> tuple[Project, list[str]]:
    """The project as it is here now, and what is no more as it was."""
    from pgcontract.cli.report_check import changed_files
    from pgcontract.contract import FolderOptions, load_project

    if not Path(run.project).exists():
        raise InputError("is not here; be where the run was started", file=run.project)
    contract = next((file.path for file in run.sources if file.role == "contract"), None)
    alone = Path(run.project).is_file() and contract is not None
    project = load_project(
        run.project, contract=contract if alone else None, options=FolderOptions(layout=run.layout or None)
    )
    if run.options.through is not None:
        project = project.through(run.migration)
    return project, changed_files(run, project)
