"""A Project of what was read of a folder, with what its configuration and its owner say of it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pgcontract.contract.applied_history import read_history
from pgcontract.contract.applied_issues import issues_of_history
from pgcontract.contract.baseline import BASELINE_FILE, read_baseline
from pgcontract.contract.chain import build_chain
from pgcontract.contract.configuration import Configuration
from pgcontract.contract.folder_options import FolderOptions
from pgcontract.contract.layouts import Layout, layouts
from pgcontract.contract.left_out import left_out, left_out_migrations
from pgcontract.contract.migration import Migration
from pgcontract.contract.migration_folder import Folder, FolderReading
from pgcontract.contract.own_runner import run_by, runner_sentences
from pgcontract.contract.platform_evidence import PLATFORMS, SUPABASE, supabase_evidence
from pgcontract.contract.platform_tables import without_platform_tables
from pgcontract.contract.project import Project
from pgcontract.contract.psql_scripts import read_alone
from pgcontract.contract.scope import with_scope
from pgcontract.contract.seed_commands import find_seed_command
from pgcontract.contract.seeds import seed_scripts
from pgcontract.contract.severities import read_severities
from pgcontract.contract.supabase_config import configured_major, exposed_schemas
from pgcontract.contract.table_rows import read_table_rows
from pgcontract.contract.toml_reader import Document
from pgcontract.contract.tool_history import history_of
from pgcontract.contract.validation_errors import nearest
from pgcontract.errors import InputError
from pgcontract.model.input_file import is_there
from pgcontract.model.qualified_name import QualifiedName

PROJECT_REF = "PGCONTRACT_PROJECT_REF"


def configured_project(
    layout: Layout,
    reading: FolderReading,
    sentence: str,
    documents: Sequence[Document],
    folder: Folder,
    options: FolderOptions,
    configuration: Configuration,
) -> Project:
    """The project of what was read, with what its configuration says of it, and its owner in the place of that."""
    settings = configuration.spec
    production, document, alone = settings.production, settings.document, folder.only is not None
    chain, shapes = build_chain(run_by(settings.runner, reading.migrations), documents)
    project = Project(
        root=folder.root,
        platform=production.platform,
        postgres=production.postgres,
        locale=production.locale,
        document=shown_document({name: said for name, said in document if name in document.model_fields_set}),
        seed=settings.seed,
        chain=chain,
        shapes=shapes,
        outline=configuration.outline,
        layout=layout.NAME,
        callbacks=reading.callbacks,
        applied=_applied(chain, configuration) if options.applied is None and not alone else None,
        table_rows=production.tables,
        issues=(*reading.issues, *left_out_migrations(folder, layout, reading, configuration)),
        assumptions=(
            sentence,
            *reading.assumptions,
            *runner_sentences(settings.runner, configuration.name_of("runner")),
            *(() if alone else _tables_of_nobody(configuration, chain)),
        ),
        files=configuration.sources,
        severities=read_severities(configuration),
        configured=left_out(folder.path, configuration).sentences if folder.only is None else (),
    )
    says_platform = configuration.file_of("production", "platform") is not None
    return with_options(project, options, folder=folder, says_platform=says_platform)


def with_options(project: Project, options: FolderOptions, *, folder: Folder, says_platform: bool = False) -> Project:
    """The project with what its owner says of it in the place of what is told by looking; with `says_platform` he says
    the platform in his configuration."""
    if options.platform is not None and options.platform not in PLATFORMS:
        hint = nearest(options.platform, PLATFORMS)
        raise InputError(f"--platform {options.platform}: no platform is called so; {hint}")
    applied = project.migration(options.applied).key if options.applied is not None else project.applied
    setup = read_alone(options.setup, options.values) if options.setup is not None else None
    project = _with_baseline(project, options, folder)
    command = find_seed_command(folder, project.layout)
    scripts = [migration.up.path for migration in project.chain]
    project = replace(
        project,
        seeds=seed_scripts(folder, project.layout, migrations=scripts, command=command),
        seed_command=command,
        exposed=exposed_schemas(folder, project.chain),
        platform=options.platform or project.platform,
        applied=applied,
        setup=setup,
        table_rows=read_table_rows(options.stats) if options.stats is not None else project.table_rows,
        secrets=options.secrets,
    )
    project = _with_applied(project, options, folder)
    if options.platform is not None or says_platform:
        return on_platform(_with_major(project, folder), project.platform)
    evidence = supabase_evidence(folder, project.chain, layout=project.layout, setup=setup)
    if evidence is None:
        return project
    project = _with_major(replace(project, platform=SUPABASE), folder)
    sentence = (
        f"Taken as a Supabase project, for {evidence}: its roles and schemas are made first; --platform postgres "
        "switches that off."
    )
    return on_platform(replace(project, assumptions=(*project.assumptions, sentence)), SUPABASE)


def _with_major(project: Project, folder: Folder) -> Project:
    """The project with the major version that supabase/config.toml names, where it is Supabase's and nobody says one."""
    said = configured_major(folder) if project.platform == SUPABASE and project.postgres is None else None
    if said is None:
        return project
    sentence = (
        f"Production is taken to run PostgreSQL {said.major}, as {said.source} says, and --pg "
        f"{said.major} judges on that; [production] postgres in pgcontract.toml says otherwise."
    )
    return replace(project, postgres=said.major, assumptions=(*project.assumptions, sentence))


def _with_applied(project: Project, options: FolderOptions, folder: Folder) -> Project:
    """The project with what its tool's table says is applied, and what changed since a commit."""
    layout = layouts()[project.layout]
    if options.history is not None:
        if options.applied is not None:
            raise InputError("--applied and --history both say what production has; give one of them")
        history = read_history(options.history, layout, project.chain)
        issues = issues_of_history(project.chain, history, history_of(layout), layout.NAME)
        project = replace(project, history=history, applied=None, issues=(*project.issues, *issues))
    return with_scope(project, folder, layout, options.since) if options.since is not None else project


def _with_baseline(project: Project, options: FolderOptions, folder: Folder) -> Project:
    """The project with the baseline that is named, else with the one in its usual place, if it is there."""
    path, alone = _baseline_path(project, folder), folder.only is not None
    project = replace(project, baseline_path=path, alone=alone)
    if options.baseline is not None:
        return replace(project, baseline=read_baseline(options.baseline))
    if options.no_baseline or alone or not is_there(path):
        return project
    sentence = f"What {path} has was known before, and decides nothing; --no-baseline judges without it."
    return replace(project, baseline=read_baseline(path), assumptions=(*project.assumptions, sentence))


def _baseline_path(project: Project, folder: Folder) -> Path:
    """In the project's folder; beside a folder of migrations that is none, under its name."""
    if folder.path != project.root:
        return project.root / BASELINE_FILE
    if folder.only is not None:
        return folder.path / BASELINE_FILE
    place = folder.place
    path = place.with_name(f"{place.name}.{BASELINE_FILE}")
    return path if folder.path.is_absolute() else Path(os.path.relpath(path))


def on_platform(project: Project, platform: str) -> Project:
    """The project where this platform has what it has: what its tables are themselves, no contract promises."""
    chain, shapes = project.chain, project.shapes
    if platform == SUPABASE:
        chain, shapes = without_platform_tables(chain, shapes)
    return replace(project, platform=platform, chain=chain, shapes=shapes)


def _tables_of_nobody(configuration: Configuration, chain: Sequence[Migration]) -> Iterator[str]:
    """A sentence where [production.tables] has names that stand in no migration."""
    texts = [migration.up.text for migration in chain]
    tables = configuration.spec.production.tables
    unknown = [name for name in tables if not any(QualifiedName.parse(name).name in text for text in texts)]
    if unknown:
        yield (
            f"[production.tables] in {configuration.name_of('production', 'tables')} has {', '.join(unknown)}, of which "
            "no migration here speaks: its number of rows counts for nothing."
        )


def _applied(chain: Sequence[Migration], configuration: Configuration) -> str | None:
    """The key of the last migration that production has, as its configuration says."""
    word = configuration.spec.runner.applied
    for migration in chain:
        if word is not None and migration.is_called(word):
            return migration.key
    if word is not None:
        hint = nearest(word, [migration.key for migration in chain])
        configuration.raise_mistake(("runner", "applied"), f"no migration is called {word!r}; {hint}")
    return None


def shown_document(document: Mapping[str, Any]) -> dict[str, str]:
    ref = os.environ.get(PROJECT_REF)
    return {**document, **({"project_ref": ref} if ref else {})}
