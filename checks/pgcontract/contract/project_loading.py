"""A Project from any path that an owner may name, or from a script that is given."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pgcontract.contract.applied_history import table_of
from pgcontract.contract.chain import add_contracts, build_chain
from pgcontract.contract.configuration import PROJECT_FILE, Configuration, read_configuration
from pgcontract.contract.configured_project import configured_project, on_platform, shown_document, with_options
from pgcontract.contract.contract_files import (
    CLAIMS_FILE,
    CONTRACT_FILE,
    CONTRACTS_FOLDER,
    MIGRATIONS_FOLDER,
    ContractPlaces,
)
from pgcontract.contract.folder_options import FolderOptions
from pgcontract.contract.folder_reading import layout_sentence, read_folder, read_what_is_sql
from pgcontract.contract.given_script import read_given, read_given_folder
from pgcontract.contract.layouts import layout_of_tool, layouts
from pgcontract.contract.left_out import left_out
from pgcontract.contract.migration import Migration
from pgcontract.contract.migration_folder import Folder, from_the_top
from pgcontract.contract.platform_evidence import SUPABASE
from pgcontract.contract.project import Project
from pgcontract.contract.severities import read_severities
from pgcontract.contract.supabase_config import ConfiguredMajor, configured_major
from pgcontract.contract.toml_reader import Document, parse_contract, read_contract
from pgcontract.contract.unread_tools import unread_tool
from pgcontract.errors import InputError
from pgcontract.model.input_file import read_bytes, require_inside
from pgcontract.model.sql import make_source
from pgcontract.result.outline import Outline
from pgcontract.result.secrets import mask_secrets


def load_project(
    path: Path | str,
    *,
    contract: Path | str | None = None,
    options: FolderOptions | None = None,
) -> Project:
    """The project that a path names: a project, a folder of migrations of any tool, or one .sql file.

    A project has `contracts/` or pgcontract.toml beside `migrations/`; its migrations folder, or a file in it,
    names the project too, a file with that migration as its head. A contract may also stand beside its migration, as
    `<migration>.contract.toml`; `contract` names it outright, and then the file is a chain of its own.
    Symbolic links that lead out of the project are not followed; one that is named outright is.
    Raises InputError or ContractError, with file, line and remedy.
    """
    path, options = Path(path), options or FolderOptions()
    try:
        own = ("--contract", str(contract)) if contract is not None else ()
        return replace(_load(path, contract, options), given=(*options.words, *own))
    except InputError as error:
        if not options.secrets:
            raise
        raise _masked(error, options.secrets) from None
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror}; check its permissions", file=str(error.filename or path)
        ) from None


def load_script(raw: bytes, *, name: str, options: FolderOptions | None = None) -> Project:
    """The project of one script that is no file, which is called `name`: psql's rules, or those of the layout that the
    options name, and no contract. What it includes is looked for in the working folder. Raises InputError."""
    options = options or FolderOptions()
    if options.since is not None:
        raise InputError("--since compares files with a commit, and standard input is none; name the folder")
    layout, folder, shown = read_given(make_source(raw, name), options.layout, options.values)
    reading = read_given_folder(layout, folder, name)
    chain, shapes = build_chain(reading.migrations, [])
    configuration = read_configuration(Path())
    production = configuration.spec.production
    project = Project(
        root=Path(),
        document=shown_document({}),
        platform=production.platform,
        postgres=production.postgres,
        locale=production.locale,
        table_rows=production.tables,
        severities=read_severities(configuration),
        files=configuration.sources,
        chain=chain,
        shapes=shapes,
        layout=layout.NAME,
        issues=reading.issues,
        assumptions=(layout_sentence(layout, shown), *reading.assumptions),
    )
    says_platform = configuration.file_of("production", "platform") is not None
    project = with_options(project, options, folder=folder, says_platform=says_platform)
    return replace(project, given=options.words)


def _masked(error: InputError, secrets: Mapping[str, str]) -> InputError:
    """The same error, with names in the place of values that are secret."""
    return type(error)(mask_secrets(error.message, secrets), file=mask_secrets(error.file, secrets), line=error.line)


def _load(path: Path, contract: Path | str | None, options: FolderOptions) -> Project:
    if not path.exists():
        raise InputError(
            "there is no such file or folder; name a project, a folder of migrations, or one .sql file",
            file=str(path),
        )
    if contract is not None and path.is_dir():
        raise InputError(
            "a contract of its own goes with one .sql file; name the file instead of the folder", file=str(path)
        )
    if path.is_dir():
        if root := path if _is_project(path) else _project_around(path):
            return _project(root, options)
        around = _project_that_reads(root, options) if (root := _project_around(path.parent)) else None
        if around is not None and (through := _through_folder(around, path)):
            return through
        return _project_without_contracts_folder(path, options)
    for folder in (path.parent, path.parent.parent):
        if contract is not None or not (root := _project_around(folder)) or _is_alone(folder, path, options):
            continue
        around = _project(root, options) if folder == path.parent else _project_that_reads(root, options)
        if around and (folder == path.parent or _holds(around, path)):
            return _through_file(around, path)
    own = Path(contract) if contract else None
    return _project_without_contracts_folder(path.parent, options, only=path, contract=own)


def configuration_for(path: Path | str) -> Configuration:
    """What `load_project` reads for the same path, without any migration."""
    path = Path(path)
    if not path.exists():
        raise InputError("there is no such file or folder; name a project or a folder of migrations", file=str(path))
    folder = path if path.is_dir() else path.parent
    return read_configuration(folder if _is_project(folder) else _project_around(folder) or folder)


def major_for(path: Path | str, configuration: Configuration) -> ConfiguredMajor | None:
    """Production's major version as `load_project` takes it of the same path from Supabase's own configuration."""
    production, path = configuration.spec.production, Path(path)
    says_other = configuration.file_of("production", "platform") is not None and production.platform != SUPABASE
    if production.postgres is not None or says_other or not path.is_dir():
        return None
    migrations = path / MIGRATIONS_FOLDER if _is_project(path) else path
    return configured_major(Folder(path=migrations, root=path))


def _project_that_reads(root: Path, options: FolderOptions) -> Project | None:
    """The project around a folder within its migrations; None where it has nothing but a folder that is called so, which
    cannot be read: then what is named is all there is."""
    try:
        return _project(root, options)
    except InputError:
        if _is_declared(root):
            raise
        return None


def _holds(project: Project, path: Path) -> bool:
    """Whether a file in a folder within its migrations is one of its own; one of a project without contracts that its
    layout does not read is read alone."""
    scripts = [script for migration in project.chain for script in (migration.up, migration.down) if script]
    return _is_declared(project.root) or any(Path(script.path).samefile(path) for script in scripts)


def _is_declared(root: Path) -> bool:
    return (root / PROJECT_FILE).is_file() or (root / CONTRACTS_FOLDER).is_dir()


def _is_alone(folder: Path, path: Path, options: FolderOptions) -> bool:
    """Whether a file of SQL lies among migrations that are not read, as one that was printed from them."""
    says_layout = options.layout is not None or (from_the_top(folder).parent / PROJECT_FILE).is_file()
    if says_layout or path.suffix != ".sql":
        return False
    whole = Folder(path=folder, root=folder)
    return layout_of_tool(whole) is None and unread_tool(whole) is not None


def _through_file(project: Project, path: Path) -> Project:
    """The project with the migration of that file as its head."""
    for migration in project.chain:
        if Path(migration.up.path).samefile(path):
            return project.through(migration.key)
        if migration.down and Path(migration.down.path).samefile(path):
            raise InputError("is a rollback script; name the migration it belongs to", file=str(path))
    raise InputError(f"is no migration of {project.root}, as {project.layout} reads it", file=str(path))


def _through_folder(project: Project, path: Path) -> Project | None:
    """The project with the one migration in that folder as its head; None where it holds none, or several."""
    inside = [migration for migration in project.chain if Path(migration.up.path).parent.samefile(path)]
    return project.through(inside[0].key) if len(inside) == 1 else None


def contract_path(project: Project, migration: Migration | None = None) -> Path:
    """Where the project looks for the contract of a migration, else of its head."""
    migration = migration or project.head
    file = Path(migration.up.path)
    is_project = file.is_relative_to(project.root / MIGRATIONS_FOLDER)
    return ContractPlaces(migrations=file.parent, project=project.root if is_project else None).path(migration)


def contract_text(path: str) -> str:
    """A contract that has been read, as its owner wrote it: line ends and a byte order mark included."""
    return read_bytes(Path(path)).decode("utf-8")


def with_contracts(project: Project, texts: Mapping[str, str]) -> Project:
    """The same project with these texts, by key, as contracts, in place of any that there are; nothing is written."""
    documents = {
        migration.key: read_contract(Path(migration.contract.path))
        for migration in project.chain
        if migration.contract and migration.key not in texts
    }
    for key, text in texts.items():
        documents[key] = parse_contract(text, path=contract_path(project, project.migration(key)))
    chain, shapes = add_contracts(project.chain, documents)
    return on_platform(replace(project, chain=chain, shapes=shapes), project.platform)


def history_select(project: Project) -> str:
    """What reads the table in which the project's tool keeps what is applied. Raises InputError where it keeps none."""
    return table_of(layouts()[project.layout]).select


def _is_project(folder: Path) -> bool:
    if (folder / MIGRATIONS_FOLDER).is_dir():
        return True
    return (folder / CONTRACTS_FOLDER).is_dir() and not any(folder.glob("*.sql"))


def _project_around(folder: Path) -> Path | None:
    """The project whose migrations folder this is, if it is one."""
    whole = from_the_top(folder)
    if whole.name != MIGRATIONS_FOLDER or not _is_project(whole.parent):
        return None
    return whole.parent if folder.is_absolute() else Path(os.path.relpath(whole.parent))


def _project(root: Path, options: FolderOptions) -> Project:
    path = root / MIGRATIONS_FOLDER
    for part in (path, root / CONTRACTS_FOLDER):
        require_inside(part, root)
    configuration = read_configuration(root)
    folder = _folder(path, root, options, configuration)
    layout, reading, sentence = read_folder(folder, options, configuration)
    documents = ContractPlaces(migrations=path, project=root).read(reading.migrations, configuration.outline)
    return configured_project(
        layout, reading, sentence, documents, folder=folder, options=options, configuration=configuration
    )


def _folder(
    path: Path, root: Path, options: FolderOptions, configuration: Configuration, *, only: Path | None = None
) -> Folder:
    says_platform = configuration.file_of("production", "platform") is not None
    declared = configuration.spec.production.platform if says_platform else None
    return Folder(
        path=path,
        root=root,
        only=only,
        values=options.values,
        platform=options.platform or declared,
        left_out=left_out(path, configuration).paths if only is None else frozenset(),
    )


def _project_without_contracts_folder(
    path: Path, options: FolderOptions, *, only: Path | None = None, contract: Path | None = None
) -> Project:
    """Migrations without a project, each with the contract beside it, if it has one; `contract` is that of the `only` one
    where it stands elsewhere."""
    configuration = read_configuration(path)
    folder = _folder(path, path, options, configuration, only=only)
    layout, reading, sentence = read_what_is_sql(folder, options, configuration)
    if contract is None:
        looked_at = ContractPlaces(migrations=path, alone=only is not None)
        documents = looked_at.read(reading.migrations, configuration.outline)
    else:
        documents = [_named_contract(contract, configuration.outline) for _ in reading.migrations]
    return configured_project(
        layout, reading, sentence, documents, folder=folder, options=options, configuration=configuration
    )


def _named_contract(path: Path, outline: Outline) -> Document:
    claims = path.with_name(path.name.removesuffix(CONTRACT_FILE) + CLAIMS_FILE)
    require_inside(claims, claims.parent)
    return read_contract(path, outline=outline, claims=claims if path.name.endswith(CONTRACT_FILE) else None)
