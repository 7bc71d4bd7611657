"""A project under a scope: what has changed since a commit is judged whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from pgcontract.contract.applied_issues import issues_once_merged, issues_since
from pgcontract.contract.changes_since import Changes, Earlier, Scope, find_changes, read_earlier
from pgcontract.contract.configuration import read_configuration
from pgcontract.contract.layouts import Layout
from pgcontract.contract.loosened import earlier_gate
from pgcontract.contract.migration_folder import Folder, FolderIssue
from pgcontract.contract.own_runner import run_by
from pgcontract.contract.project import Project
from pgcontract.contract.tool_history import history_of
from pgcontract.model.wording import first_of


def with_scope(project: Project, folder: Folder, layout: Layout, ref: str) -> Project:
    """The project with what changed since the folder's work left `ref`. Raises InputError where git does not know."""
    included = (
        Path(passage.path)
        for migration in project.chain
        for script in (migration.up, migration.down)
        if script is not None
        for passage in script.passages
    )
    baseline = Path(project.baseline.path) if project.baseline else None
    earlier = read_earlier(folder, layout, ref, included=included, baseline=baseline)
    configuration = read_configuration(folder.path)
    runner = configuration.spec.runner  # of now: what its owner says of all files is no change of each
    then = replace(earlier, migrations=run_by(runner, earlier.migrations))
    changes = find_changes(project.chain, then, blanks=history_of(layout).blanks)
    scope = Scope(ref=ref, commit=earlier.commit, changes=changes, sentences=tuple(_sentences(project, earlier, changes)))
    # What is pending goes by the scope.
    gate = earlier_gate(replace(project, scope=scope), folder, earlier, changes, configuration)
    scope = replace(scope, gate=gate)
    applied, tool = _known_applied(project), history_of(layout)
    issues: list[FolderIssue] = []
    if not earlier.unread:
        issues += issues_since(project.chain, changes, ref, tool, layout.NAME, applied=applied)
    if earlier.merged is not None:
        known = {(issue.kind, issue.subject) for issue in (*project.issues, *issues)}
        merged = issues_once_merged(
            project.chain, earlier.merged, changes, ref, tool, layout.NAME, applied=applied is not None
        )
        issues += [issue for issue in merged if (issue.kind, issue.subject) not in known]
    return replace(project, scope=scope, issues=(*project.issues, *issues))


def _known_applied(project: Project) -> frozenset[str] | None:
    """The keys of what production has, where somebody said so."""
    if project.applied is None and project.history is None:
        return None
    pending = frozenset(migration.key for migration in project.pending)
    return frozenset(migration.key for migration in project.chain) - pending


def _sentences(project: Project, earlier: Earlier, changes: Changes) -> Iterator[str]:
    if earlier.unread:
        yield (
            f"What was there at {earlier.ref} cannot be read ({earlier.unread}), so every migration is taken as changed."
        )
        return
    names = {migration.key: migration.display_name for migration in project.chain}
    others = [name for key, name in names.items() if key in changes.every - changes.scripts]
    if others:
        yield f"Of {first_of(others)} the contract, the way back or a comment changed: asked anew."
    configuration = [Path(file.path).name for file in project.files if Path(file.path).resolve() in earlier.differing]
    if configuration:
        yield f"{first_of(configuration)} changed since {earlier.ref}, so nothing is kept from an earlier run."
    if earlier.ignored:
        yield f"Taken for what was there, as git ignores them: {first_of([path.name for path in earlier.ignored])}."
