"""`pgcontract report --check`: whether a report is of the migration, the contract and the tool that are here now."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from pgcontract.errors import InputError
from pgcontract.model.input_file import read_bytes

if TYPE_CHECKING:
    from pgcontract.contract import Project
    from pgcontract.reporting.json import ReadRun
    from pgcontract.result import Run, SourceFile

STALE: Final = 1
RUN_JSON: Final = "run.json"


def check_report(file: str, project: str | None) -> int:
    """Prints that the report is true of what is here and gives 0, or what has changed and gives 1.

    The file is a run.json, or a page that lies beside the one that it was made from. The project is the one that the
    run was of, by its path from here, unless one is named. Raises InputError where they cannot be read.
    """
    from pgcontract.cli.run_json import read_run_json
    from pgcontract.reporting.markup import visible

    page, path = _page_and_run(Path(file))
    read = read_run_json(str(path))
    root = project or read.run.project
    changes = [*_edited(path, read, page), *_tool(read.run), *_files(read.run, root)]
    if not changes:
        click.echo(
            f"{visible(file)} is true of {visible(root)}: {len(read.run.sources)} files, pgcontract "
            f"{read.run.pgcontract}."
        )
        return 0
    click.echo(f"{visible(file)} is stale:")
    for change in changes:
        click.echo(f"  {visible(change)}")
    click.echo(f"Verify again: pgcontract verify {visible(root)} --report DIR")
    return STALE


def _page_and_run(file: Path) -> tuple[str | None, Path]:
    """The format of a page and the run.json beside it, under the same first name: `020.deployment.md`, `020.run.json`."""
    from pgcontract.reporting import formats

    pages = {module.FILE: name for name, module in formats().items() if hasattr(module, "FILE")}
    for name, form in pages.items():
        if name != RUN_JSON and file.name.endswith(name):
            beside = file.with_name(f"{file.name.removesuffix(name)}{RUN_JSON}")
            if not beside.is_file():
                raise InputError(f"there is no {beside.name} beside it, which it was made from", file=str(file))
            if not file.is_file():
                raise InputError("there is no such file", file=str(file))
            return form, beside
    return None, file


def _edited(path: Path, read: ReadRun, page: str | None) -> list[str]:
    from pgcontract.reporting import formats, render

    if read.edited:
        return [f"{path} was changed after it was written: its digest is not that of its contents"]
    if page is None or read.run.pgcontract != version("pgcontract"):
        return []
    file = path.with_name(f"{path.name.removesuffix(RUN_JSON)}{formats()[page].FILE}")
    if read_bytes(file) == render(read.run, page).encode(errors="surrogatepass"):
        return []
    return [f"{file} is not what {path.name} beside it gives"]


def _tool(run: Run) -> list[str]:
    here = version("pgcontract")
    return [] if run.pgcontract == here else [f"it was made by pgcontract {run.pgcontract}, and this is {here}"]


def _files(run: Run, root: str) -> list[str]:
    """What is not as it was, file by file, and migrations that came behind the head."""
    from pgcontract.contract import FolderOptions, load_project

    if not Path(root).exists():
        raise InputError("is not here; name the project that the run was of, behind the report's file", file=root)
    if not run.sources:
        return ["it does not say of which files it is, so nothing shows that they are the same"]
    contract = next((file.path for file in run.sources if file.role == "contract"), None)
    alone = Path(root).is_file() and contract is not None
    baseline = next((Path(file.path) for file in run.sources if file.role == "baseline"), None)
    options = FolderOptions(baseline=baseline if baseline and baseline.is_file() else None)
    project = load_project(root, contract=contract if alone else None, options=options)
    if run.options.through is not None:
        project = project.through(run.migration)
    return changed_files(run, project)


def changed_files(run: Run, project: Project) -> list[str]:
    """What is not as it was when the Run was made, a sentence a file."""
    from pgcontract.reporting.run_diff import compare_files
    from pgcontract.runner.source_files import source_files

    said = []
    now = [*source_files(project), *_setups(run)]
    for change in compare_files(run.sources, now):
        how = "is new" if not change.before else "is gone" if not change.after else "has changed"
        digests = f": SHA-256 {change.before[:12]}… then, {change.after[:12]}… now" if how == "has changed" else ""
        said.append(f"{change.name} {how}{digests}")
    return said


def _setups(run: Run) -> list[SourceFile]:
    """The scripts that were given with --setup, which belong to no project, as they are now."""
    setups = [file for file in run.sources if file.role == "setup" and Path(file.path).is_file()]
    return [replace(file, sha256=sha256(Path(file.path).read_bytes()).hexdigest()) for file in setups]
