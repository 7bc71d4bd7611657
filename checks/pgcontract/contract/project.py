"""A chain of migrations with what is promised of each, from any path that an owner may name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pgcontract.contract.column_formats import undeclared_format_issues
from pgcontract.contract.datasets import Dataset, dataset_issues, merge_datasets
from pgcontract.contract.flows import flow_issues
from pgcontract.contract.inheritance import Declarations, inherit
from pgcontract.contract.layouts.flat import (
    MigrationFile,
    find_migration,
    order_migrations,
    read_migration_file,
    read_migration_files,
)
from pgcontract.contract.presence import presence_mistakes
from pgcontract.contract.queries import undeclared_query_issues
from pgcontract.contract.races import race_issues
from pgcontract.contract.report_outline import default_outline
from pgcontract.contract.schema_parts import make_schema, make_shape
from pgcontract.contract.state_machines import state_machine_mistakes
from pgcontract.contract.timestamps import timestamp_mistakes
from pgcontract.contract.toml_reader import Document, parse_contract, read_contract, read_project_file
from pgcontract.contract.validation_errors import ValidationIssue, nearest, raise_contract_error, raise_issues
from pgcontract.contract.values import Contract, Shape
from pgcontract.errors import InputError
from pgcontract.model.schema import Origin, Schema
from pgcontract.result.outline import Outline

PROJECT_FILE = "pgcontract.toml"
CONTRACT_FILE = "contract.toml"
CLAIMS_FILE = "claims.toml"
PROJECT_REF = "PGCONTRACT_PROJECT_REF"


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One migration of the chain. `id` is its digits as written ("020"); `down` is its rollback script."""

    id: str
    stem: str
    path: Path
    down: Path | None = None
    contract: Contract | None = None


@dataclass(frozen=True, kw_only=True)
class Project:
    """A chain, oldest first, and what holds for all of it. `postgres` is production's major version, if declared."""

    root: Path
    platform: str = "postgres"
    postgres: int | None = None
    locale: str | None = None
    document: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    chain: tuple[Migration, ...]
    shapes: Mapping[str, Shape] = field(default_factory=dict, repr=False)
    outline: Outline = field(default_factory=default_outline)

    @property
    def head(self) -> Migration:
        """The last migration: what is deployed."""
        return self.chain[-1]

    def migration(self, name: str) -> Migration:
        """The migration with these digits, stem or file name. Raises InputError if there is none."""
        migration_files = [
            MigrationFile(id=candidate.id, stem=candidate.stem, path=candidate.path, down=candidate.down)
            for candidate in self.chain
        ]
        script = find_migration(name, migration_files)
        if script is None:
            hint = nearest(name, [candidate.stem for candidate in self.chain])
            raise InputError(f"no migration is called {name!r}; {hint}", file=str(self.root))
        return self.chain[migration_files.index(script)]

    def through(self, name: str) -> Project:
        """The same project with its head at that migration."""
        last = self.chain.index(self.migration(name))
        return replace(self, chain=self.chain[: last + 1])

    def declared(self, stem: str) -> Schema:
        """Everything that is declared up to and including that migration."""
        return self.shapes[stem].schema

    def shape(self, stem: str) -> Shape:
        """The same with what all CHECKs mean and a sample row for each table that has one."""
        return self.shapes[stem]

    def dataset(self, stem: str) -> Dataset:
        """The rows to measure on: the data sets up to and including that migration's, later ones winning."""
        last = next(number for number, link in enumerate(self.chain) if link.stem == stem)
        datasets = (link.contract.dataset if link.contract else None for link in self.chain[: last + 1])
        return merge_datasets(datasets, self.declared(stem))


def load_project(path: Path | str, *, contract: Path | str | None = None) -> Project:
    """The project that a path names: a project, a folder of .sql files, or one .sql file.

    A project has `contracts/` or pgcontract.toml beside `migrations/`; its migrations folder, or a file in it,
    names the project too, a file with that migration as its head. Elsewhere a contract is looked for beside the file,
    as `<stem>.contract.toml`; `contract` names it outright, and then the file is a chain of its own.
    Raises InputError or ContractError, with file, line and remedy.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(
            "there is no such file or folder; name a project, a folder of .sql files, or one .sql file",
            file=str(path),
        )
    if contract is not None:
        if path.is_dir():
            raise InputError(
                "a contract of its own goes with one .sql file; name the file instead of the folder", file=str(path)
            )
        return _project_without_contracts_folder(
            [read_migration_file(_require_sql_file(path))], path.parent, {path.name: Path(contract)}
        )
    if path.is_dir():
        if _is_project(path):
            return _project(path)
        if root := _project_around(path):
            return _project(root)
        return _project_without_contracts_folder(read_migration_files(path), path, {})
    script = read_migration_file(_require_sql_file(path))
    if root := _project_around(path.parent):
        return _project(root).through(path.name)
    return _project_without_contracts_folder([script], path.parent, {})


def contract_path(project: Project) -> Path:
    """Where the project looks for the contract of its head."""
    folder, stem = project.head.path.parent, project.head.stem
    if folder == project.root / "migrations":
        return project.root / "contracts" / stem / CONTRACT_FILE
    return folder / f"{stem}.{CONTRACT_FILE}"


def with_contract(project: Project, text: str) -> Project:
    """The same project with this text as the contract of its head, in place of any that it has; nothing is written."""
    files = [
        MigrationFile(id=migration.id, stem=migration.stem, path=migration.path, down=migration.down)
        for migration in project.chain
    ]
    earlier = [read_contract(Path(migration.contract.path)) for migration in project.chain[:-1] if migration.contract]
    chain, shapes = _build_chain(files, [*earlier, parse_contract(text, path=contract_path(project))])
    return replace(project, chain=chain, shapes=shapes)


def _is_project(folder: Path) -> bool:
    return (folder / "contracts").is_dir() or (folder / PROJECT_FILE).is_file() or (folder / "migrations").is_dir()


def _project_around(folder: Path) -> Path | None:
    """The project whose migrations folder this is, if it is one."""
    whole = Path(os.path.abspath(folder))  # noqa: PTH100 - resolve() would follow links, and so lose the name
    if whole.name != "migrations" or not _is_project(whole.parent):
        return None
    return whole.parent if folder.is_absolute() else Path(os.path.relpath(whole.parent))


def _require_sql_file(path: Path) -> Path:
    if path.suffix != ".sql" or path.name.endswith(".down.sql"):
        what = "is a way back; name the migration it belongs to" if path.suffix == ".sql" else "is no .sql file"
        raise InputError(what, file=str(path))
    return path


def _project(root: Path) -> Project:
    migration_files = read_migration_files(root / "migrations")
    files = sorted((root / "contracts").glob(f"*/{CONTRACT_FILE}"))
    for claims in sorted((root / "contracts").glob(f"*/{CLAIMS_FILE}")):
        if claims.with_name(CONTRACT_FILE) not in files:
            raise_contract_error(f"claims need a {CONTRACT_FILE} beside them", file=str(claims), line=None)
    settings, outline = read_project_file(root / PROJECT_FILE)
    documents = [read_contract(file, outline=outline, claims=file.with_name(CLAIMS_FILE)) for file in files]
    chain, shapes = _build_chain(migration_files, documents)
    return Project(
        root=root,
        platform=settings.production.platform,
        postgres=settings.production.postgres,
        locale=settings.production.locale,
        document=_document(settings.document.model_dump(exclude_unset=True)),
        seed=settings.seed,
        chain=chain,
        shapes=shapes,
        outline=outline,
    )


def _project_without_contracts_folder(
    migration_files: list[MigrationFile] | tuple[MigrationFile, ...], root: Path, named: Mapping[str, Path]
) -> Project:
    """Migrations without a project: on plain PostgreSQL, each with the contract beside it, if it has one."""
    documents = []
    for script in migration_files:
        beside = named.get(script.path.name, script.path.with_name(f"{script.stem}.{CONTRACT_FILE}"))
        if script.path.name in named or beside.is_file():
            claims = beside.with_name(beside.name.removesuffix(CONTRACT_FILE) + CLAIMS_FILE)
            documents.append(
                read_contract(
                    beside,
                    claims=claims if beside.name.endswith(CONTRACT_FILE) else None,
                )
            )
    chain, shapes = _build_chain(migration_files, documents)
    return Project(root=root, document=_document({}), chain=chain, shapes=shapes)


def _document(document: Mapping[str, Any]) -> dict[str, str]:
    ref = os.environ.get(PROJECT_REF)
    return {**document, **({"project_ref": ref} if ref else {})}


def _build_chain(
    migration_files: list[MigrationFile] | tuple[MigrationFile, ...], documents: list[Document]
) -> tuple[tuple[Migration, ...], dict[str, Shape]]:
    """The chain in its order, each migration's contract inheriting from those before it."""
    own: dict[str, Document] = {}
    for document in documents:
        name = document.spec.migration
        script = next((every for every in migration_files if every.path.name == name), None)
        line = document.lines.get(("migration",))
        if script is None:
            hint = nearest(name, [every.path.name for every in migration_files])
            raise_contract_error(
                f"migration = {name!r} is no file that is there; {hint}", file=str(document.path), line=line
            )
        if script.stem in own:
            raise_contract_error(
                f"{name} has a contract already, {own[script.stem].path}; keep one of the two",
                file=str(document.path),
                line=line,
            )
        own[script.stem] = document
    after = {
        stem: (document.spec.after, f"{document.path}:{document.lines[('after',)]}")
        for stem, document in own.items()
        if document.spec.after
    }
    chain, shapes, declarations, shape = [], {}, Declarations(), Shape()
    for script in order_migrations(migration_files, after):
        contract = None
        if script.stem in own:
            declarations, shape, contract = _add_contract(declarations, shape, own[script.stem])
        shapes[script.stem] = shape
        chain.append(Migration(id=script.id, stem=script.stem, path=script.path, down=script.down, contract=contract))
    return tuple(chain), shapes


def _add_contract(before: Declarations, shape_before: Shape, document: Document) -> tuple[Declarations, Shape, Contract]:
    """What is declared once this contract is added."""
    file, spec = str(document.path), document.spec
    issues: list[ValidationIssue] = []
    declarations = inherit(before, document.declarations, issues)
    shape = make_shape(declarations, issues)
    issues += undeclared_format_issues(document.formats, shape.schema, document.lines)
    issues += state_machine_mistakes(document.state_machines, shape.schema, document.lines)
    issues += timestamp_mistakes(document.timestamps, shape.schema, document.lines)
    issues += presence_mistakes(document.presences, shape.schema, document.lines)
    issues += flow_issues(document.flows, shape.schema, document.lines)
    issues += race_issues(document.races, shape.schema, document.lines)
    issues += undeclared_query_issues(document.queries, shape.schema, document.lines)
    issues += dataset_issues(document.dataset, shape.schema)
    raise_issues(issues)
    names = {(part.kind, part.name) for part in shape.schema.parts()}
    contract = Contract(
        path=file,
        migration=spec.migration,
        after=spec.after,
        accepted=spec.accepted,
        comments=spec.comments,
        document=spec.document.model_dump(exclude_unset=True) if spec.document else {},
        file=document.pins,
        declared=make_schema(part for part in shape.schema.parts() if part.origin and part.origin.file == file),
        removed=tuple(
            (part.kind, part.name) for part in shape_before.schema.parts() if (part.kind, part.name) not in names
        ),
        examples=tuple(example for example in shape.examples if example.origin and example.origin.file == file),
        samples=shape.samples,
        verifications=document.verifications,
        formats=document.formats,
        state_machines=document.state_machines,
        timestamps=document.timestamps,
        presences=document.presences,
        existing_rows=document.existing_rows,
        flows=document.flows,
        races=document.races,
        queries=document.queries,
        dataset=document.dataset,
        waivers=document.waivers,
        claims=document.claims,
        origin=Origin(file=file, line=1),
    )
    return declarations, shape, contract
