"""The baseline at the command line: which file, and when it is written."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pgcontract.errors import InputError
from pgcontract.model.input_file import is_there
from pgcontract.reporting.output_folder import require_file, require_writable, write_file

if TYPE_CHECKING:
    from pgcontract.contract import FolderOptions, Project
    from pgcontract.postgres.progress import ProgressEvent
    from pgcontract.result import Run, RunOptions


def require_one_use(file: str | None, *, no_baseline: bool, write: bool, prune: bool) -> None:
    """Raises UsageError where the options contradict each other."""
    if write and prune:
        raise click.UsageError("--write-baseline writes what is wrong now and no more, so it prunes too: leave one out.")
    for option, given in (("--baseline", file is not None), ("--write-baseline", write), ("--prune-baseline", prune)):
        if no_baseline and given:
            raise click.UsageError(f"--no-baseline judges without one, and {option} needs it: leave one out.")


def read_baseline_options(options: FolderOptions, file: str | None, *, no_baseline: bool, write: bool) -> FolderOptions:
    """With the baseline that is to be read; one that is to be written need not be there yet."""
    if file is None:
        return replace(options, no_baseline=no_baseline)
    path = Path(file)
    if write and not is_there(path):
        return replace(options, no_baseline=True)
    return replace(options, baseline=path)


def verify_and_write(
    project: Project,
    options: RunOptions,
    file: str | None,
    *,
    prune: bool,
    notify: Callable[[ProgressEvent], None],
) -> tuple[Run, tuple[str, ...]]:
    """The run, judged by the baseline that was written, and what to say of that."""
    from pgcontract import runner
    from pgcontract.contract import baseline_text

    path, before = Path(file) if file is not None else project.baseline_path, project.baseline
    require_writable(path.parent, "folder of the baseline")
    require_file(path, "--baseline")
    if is_there(path) and not path.is_file():
        raise InputError("is no regular file; name one that is, or that is not there yet", file=str(path))
    run, baseline = runner.verify_with_baseline(project, options, path=path, prune=prune, notify=notify)
    old = {entry.key for entry in before.entries} if before else set()
    new = {entry.key for entry in baseline.entries}
    changed = before is None or before.entries != baseline.entries
    if changed:
        write_file(path, baseline_text(baseline.entries))
    counted = f"{len(new)} {'entry' if len(new) == 1 else 'entries'}"
    counted += "".join(f", {len(keys)} {word}" for keys, word in ((new - old, "new"), (old - new, "removed")) if keys)
    line = f"{'wrote' if changed else 'left'} {os.fspath(path)}: {counted}"
    silent = [finding for finding in run.findings if finding.unanswered]
    more = f"{len(silent)} without an answer {'is' if len(silent) == 1 else 'are'} not in it: nothing is known of those"
    return run, (line, *((more,) if silent else ()))
