"""A contract for each migration of a chain, from what each does, or one for what all of them come to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final

from pgcontract.catalog import subtract
from pgcontract.contract import Migration, Project, contract_path
from pgcontract.contract.chain import DeclaredSoFar
from pgcontract.contract.platform_evidence import SUPABASE
from pgcontract.contract.platform_tables import is_platforms
from pgcontract.contract.toml_reader import parse_contract, read_contract
from pgcontract.drafting.contract_draft import draft_contract
from pgcontract.drafting.renamed_columns import renamed_columns, reordered_tables
from pgcontract.errors import InputError
from pgcontract.model.input_file import is_there, require_inside
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Column, Grant, Part, Schema, Sequence
from pgcontract.model.sql.frozen_times import frozen_words
from pgcontract.model.sql.renames import Rename
from pgcontract.postgres.platform import MIGRATOR
from pgcontract.probes.thawed_times import thawed
from pgcontract.result import RunOptions
from pgcontract.runner import Change, changes
from pgcontract.values import dataclass

_OWNERS: Final = ("tables", "views", "types")


@dataclass(frozen=True, kw_only=True)
class Draft:
    """The text of a migration's contract, and the file that it goes to."""

    migration: Migration
    path: Path
    text: str


def free_paths(project: Project, targets: Collection[Migration]) -> dict[str, Path]:
    """Where the contract of each target goes that has none, by key. Raises InputError where all have one."""
    paths = {migration.key: contract_path(project, migration) for migration in targets}
    taken = [migration for migration in targets if migration.contract or is_there(paths[migration.key])]
    for migration in taken:
        path = paths.pop(migration.key)
    if taken and not paths:
        file = taken[-1].contract.path if taken[-1].contract else str(path)
        what = "is there already" if len(taken) == 1 else "is there already, as is one for each migration before it"
        raise InputError(f"{what}, and a draft never overwrites; name another file with -o", file=file)
    for path in paths.values():
        require_inside(path, project.root)
    return paths


def draft_chain(
    project: Project, paths: dict[str, Path], *, options: RunOptions, accept: bool, whole: bool = False
) -> tuple[Draft, ...]:
    """A draft for each migration that `paths` has by its key: what it adds, changes and takes away, given what is
    declared before it. With `whole`, which is for the head, all that the chain comes to.

    Raises InputError where the server refuses a script of the chain.
    """
    return tuple(_drafts(project, paths, options=options, accept=accept, whole=whole))


def _drafts(
    project: Project, paths: dict[str, Path], *, options: RunOptions, accept: bool, whole: bool
) -> Iterator[Draft]:
    so_far = DeclaredSoFar()
    found = {change.migration.key: change for change in changes(project, options, keys=paths, whole=whole)}
    for migration in project.chain:
        so_far.follow(migration)
        if migration.key not in paths:
            if migration.contract:
                so_far.add(read_contract(Path(migration.contract.path)))
            continue
        change = found[migration.key]
        declared = so_far.shape.schema
        words = frozenset(
            word for link in (project.chain if whole else (migration,)) for word in frozen_words(link.up.text)
        )
        renamed = renamed_columns(change.renamed, change.after)
        added = _with_whole_tables(change, declared, platform=project.platform)
        reordered = reordered_tables(declared, change.after, renamed)
        again = tuple(one for one in change.after.columns if one.table in reordered and one not in added.columns)
        text = draft_contract(
            _thawed(replace(added, columns=(*added.columns, *again)), words),
            migration=migration.file,
            accept=accept,
            owner=MIGRATOR,
            inherited=declared,
            removed=change.removed,
            only_declared=True,
            renamed=renamed,
        )
        text = _with_renames(text, so_far.shape.renames)
        path = paths[migration.key]
        yield Draft(migration=migration, path=path, text=text)
        so_far.add(parse_contract(text, path=path))


def _with_renames(text: str, renames: Iterable[Rename]) -> str:
    """The draft, which says above all what has another name from here on: that needs no declaration."""
    lines = [f"# From here on {one.old} is called {one.new}.\n" for one in renames]
    comments = "".join(line for line in lines if line[:-1].isprintable())
    return text.replace("migration = ", f"{comments}migration = ", 1)


def _thawed(schema: Schema, words: frozenset[str]) -> Schema:
    """With the words 'now' and 'today' in the place of the times that they became as the script ran."""
    now = dt.datetime.now(dt.UTC)

    def as_written(part: Part) -> Part:
        values = {
            each.name: getattr(part, each.name) for each in fields(part) if each.metadata.get("how") == "expression"
        }
        texts: dict[str, Any] = {
            name: thawed(value, words, now=now) for name, value in values.items() if isinstance(value, str)
        }
        texts |= {
            name: tuple(thawed(text, words, now=now) for text in value)
            for name, value in values.items()
            if isinstance(value, tuple)
        }
        return replace(part, **texts)

    if not words:
        return schema
    parts: dict[str, Any] = {field.name: tuple(map(as_written, getattr(schema, field.name))) for field in fields(Schema)}
    return Schema(**parts)


def _with_whole_tables(change: Change, declared: Schema, *, platform: str) -> Schema:
    """What the migration changed, and all of each table, view and type that it changed a part of and no contract
    declares: to declare one part is to declare what it is a part of. A platform's tables stay the platform's."""
    parents = {table.name: table.partition_of for table in change.after.tables}
    left = {table.name for table in declared.tables if table.partition_of != parents.get(table.name, table.partition_of)}
    known = {part.name for kind in _OWNERS for part in getattr(declared, kind)} - left
    owners = {
        owner.name
        for kind in _OWNERS
        for owner in getattr(change.after, kind)
        if owner.name not in known and not (platform == SUPABASE and is_platforms(owner))
    }
    added = _not_only_renamed(change, declared)
    touched = {_owner_of(part, change.after) for part in change.added.parts()} & owners
    return subtract(change.after, _without(change, touched)) if touched else added


def _not_only_renamed(change: Change, declared: Schema) -> Schema:
    """What the migration changed, without what it only renamed, which is declared by its new name already."""
    known = {(part.kind, part.name): _comparable(part) for part in declared.parts()}
    renamed = {(part.kind, part.name): part for part in change.renamed.parts()}

    def is_declared(part: Part) -> bool:
        name = part.kind, part.name
        return renamed.get(name) == part and known.get(name) == _comparable(part)

    parts = {
        field.name: tuple(part for part in getattr(change.added, field.name) if not is_declared(part))
        for field in fields(Schema)
    }
    return Schema(**parts)


def _comparable(part: Part) -> Part:
    """The part as any contract may declare it: the migrator is no owner worth naming, and gaps are no matter of order."""
    nothing = {"owner": None} if getattr(part, "owner", None) == MIGRATOR else {}
    return replace(part, **nothing, **({"position": 0} if isinstance(part, Column) else {}))  # type: ignore[arg-type]


def _without(change: Change, owners: Collection[str | None]) -> Schema:
    """The catalog after the migration without what it changed, and without these owners and their parts."""
    added = {(part.kind, part.name) for part in change.added.parts()}
    return Schema(
        **{
            field.name: tuple(
                part
                for part in getattr(change.after, field.name)
                if (part.kind, part.name) not in added and _owner_of(part, change.after) not in owners
            )
            for field in fields(Schema)
        }
    )


def _owner_of(part: Part, schema: Schema) -> str | None:
    """The table, view or type that a part is, or is a part of."""
    match part:
        case Grant():
            kind, name = part.object
            column = next((one for one in schema.columns if kind == "column" and one.name == name), None)
            return column.table if column else name
        case Sequence() if part.owned_by:
            return str(QualifiedName.parse(part.owned_by).parent)
    return getattr(part, "table", part.name)
