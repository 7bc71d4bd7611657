"""What may be asked no more, or less strictly, than at a commit: by contracts, claims, configuration, the baseline, and
comments in the SQL. Nobody who reads a report of the new state alone would miss it."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pgcontract.contract.changes_since import Changes, Earlier
from pgcontract.contract.configuration import Configuration
from pgcontract.contract.earlier_gate import EarlierGate, LoosenedFile, Loosening
from pgcontract.contract.folder_of_commit import is_of_contract
from pgcontract.contract.ignore_comments import read_ignore_comments
from pgcontract.contract.loosened_promises import loosened_promises
from pgcontract.contract.loosened_supabase import is_said, loosened_supabase
from pgcontract.contract.migration_folder import Folder
from pgcontract.contract.platform_evidence import SUPABASE
from pgcontract.contract.project import Project
from pgcontract.contract.project_file import ProjectSpec
from pgcontract.contract.severities import read_severities
from pgcontract.contract.supabase_config import CONFIG

_RUN_BY: Final = ("layout", "transaction", "repeats", "role")


def earlier_gate(
    project: Project, folder: Folder, earlier: Earlier, changes: Changes, configuration: Configuration
) -> EarlierGate:
    """What of the gate was stricter at the commit."""
    then = earlier.configuration
    found = [*_contracts(project, earlier, changes)]
    if then is not None:
        keys = tuple(_configured(project, changes, then.spec, configuration.spec))
        found += [(_file_of(then, configuration), keys)] if keys else []
        found += loosened_supabase(project, folder, earlier, then.spec, configuration.spec)
    found += [*_comments(project, earlier, changes), *_baseline(project, earlier)]
    return EarlierGate(
        files=tuple(
            LoosenedFile(subject=_below(path, project.root), path=str(path) if path.is_file() else "", changes=loosenings)
            for path, loosenings in found
        ),
        severities=read_severities(then) if then is not None else None,
        configuration=_below(_file_of(then, configuration), project.root) if then is not None else "",
    )


def _contracts(project: Project, earlier: Earlier, changes: Changes) -> Iterator[tuple[Path, tuple[Loosening, ...]]]:
    contracts = [migration.contract for migration in project.chain if migration.contract]
    read = {Path(file.path).resolve() for contract in contracts for file in contract.files}  # where a link leads to
    now = {path: _document(path.read_text(encoding="utf-8-sig")) for path in earlier.differing if path.resolve() in read}
    for path, text in sorted(earlier.texts.items()):
        if not (is_of_contract(path) or path in read):
            continue
        document = _document(text)
        elsewhere = tuple(other for place, other in now.items() if place != path)
        found = tuple(loosened_promises(document, now.get(path, {}), elsewhere=elsewhere))
        if found := found or tuple(_without_contract(document.get("migration"), project, earlier, changes)):
            yield path, found


def _without_contract(word: object, project: Project, earlier: Earlier, changes: Changes) -> Iterator[Loosening]:
    """Told where the migration that a contract was about is still there, and no contract is about it now."""
    then = {old.key for old in earlier.migrations if isinstance(word, str) and old.is_called(word)}
    for migration in project.chain:
        if migration.contract is None and changes.renamed.get(migration.key, migration.key) in then:
            yield Loosening(how="gone", what=f"the contract of {migration.file}")


def _document(text: str) -> dict[str, Any]:
    """What it says; what was no TOML promised nothing that anybody asked."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return {}


def _configured(project: Project, changes: Changes, then: ProjectSpec, now: ProjectSpec) -> Iterator[Loosening]:
    for glob in now.leave_out:
        if glob not in then.leave_out:
            yield Loosening(how="added", what=f"leave_out {glob!r}")
    before, after = then.production, now.production
    said, says = is_said(then), is_said(now)
    if after.platform != "supabase" and (after.platform != before.platform or (says and not said)):
        yield _changed("production.platform", before.platform if said else "", after.platform if says else "")
    for key in ("postgres", "locale"):
        if getattr(before, key) is not None and getattr(before, key) != getattr(after, key):
            yield _changed(f"production.{key}", getattr(before, key), getattr(after, key))
    for table, rows in after.tables.items():
        if table not in before.tables or rows < before.tables[table]:
            yield _changed(f'production.tables."{table}"', before.tables.get(table, "not known"), rows)
    for key in _RUN_BY:
        if getattr(then.runner, key) != getattr(now.runner, key):
            yield _changed(f"runner.{key}", getattr(then.runner, key), getattr(now.runner, key))
    pending = {migration.key for migration in project.pending}
    if then.runner.applied != now.runner.applied and changes.scripts - pending:
        yield _changed("runner.applied", then.runner.applied, now.runner.applied)


def _changed(what: str, then: object, now: object) -> Loosening:
    return Loosening(how="changed", what=what, then=_word(then), now=_word(now))


def _word(value: object) -> str:
    return "not said" if value in (None, "") else str(value)


def _file_of(then: Configuration, now: Configuration) -> Path:
    """The file that says it now, else the one that said it."""
    return next((file.path for file in (*reversed(now.files), *reversed(then.files))), Path("pgcontract.toml"))


def _comments(project: Project, earlier: Earlier, changes: Changes) -> Iterator[tuple[Path, tuple[Loosening, ...]]]:
    """Those that came into files which were there; of a new file's its author speaks by them."""
    then = {migration.key: migration for migration in earlier.migrations}
    for migration in project.chain:
        old = then.get(changes.renamed.get(migration.key, migration.key))
        if old is None or migration.key not in changes.every:
            continue
        before = Counter(str(check) for comment in read_ignore_comments(old) for check in comment.checks)
        after = Counter(str(check) for comment in read_ignore_comments(migration) for check in comment.checks)
        if added := tuple(after - before):
            yield (
                Path(migration.up.path),
                tuple(Loosening(how="added", what=f"pgcontract-ignore {check}") for check in added),
            )


def _baseline(project: Project, earlier: Earlier) -> Iterator[tuple[Path, tuple[Loosening, ...]]]:
    if project.baseline is None or earlier.baseline is None:
        return
    document = _document(earlier.baseline)
    then = {_entry(entry): entry for entry in document.get("finding", ()) if isinstance(entry, dict)}
    added = []
    for entry in project.baseline.entries:
        key = entry.key
        old = then.get((key.migration, key.check, key.subject, key.statement))
        if old is None or entry.times > old.get("times", 1) or set(entry.about) - set(old.get("about", ())):
            added.append(Loosening(how="added", what=f"{key.check}[{key.subject}]", now=entry.sentence))
    if added:
        yield Path(project.baseline.path), tuple(added)


def _entry(entry: Mapping[str, Any]) -> tuple[str, str, str, str]:
    migration, check, subject, statement = (
        str(entry.get(key, "")) for key in ("migration", "check", "subject", "statement")
    )
    return migration, check, subject, statement


def _below(path: Path, root: Path) -> str:
    whole, top = path.resolve(), root.resolve()
    if path.name == CONFIG:  # of a project that may be that folder itself
        return f"{SUPABASE}/{CONFIG}"
    return str(whole.relative_to(top)) if whole.is_relative_to(top) else path.name
