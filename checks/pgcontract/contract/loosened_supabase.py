"""What supabase/config.toml no longer says of production, or says otherwise, than at a commit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pgcontract.contract.changes_since import Earlier
from pgcontract.contract.earlier_gate import Loosening
from pgcontract.contract.migration_folder import Folder
from pgcontract.contract.platform_evidence import SUPABASE
from pgcontract.contract.project import Project
from pgcontract.contract.project_file import ProjectSpec
from pgcontract.contract.supabase_config import (
    CONFIG,
    configured_major,
    configured_schemas,
    exposed_schemas,
    major_of,
    read_config,
)


def loosened_supabase(
    project: Project, folder: Folder, earlier: Earlier, then: ProjectSpec, now: ProjectSpec
) -> Iterator[tuple[Path, tuple[Loosening, ...]]]:
    """The file, where it asks less. What pgcontract.toml says instead of it is told there."""
    if earlier.supabase is None or (is_said(then) and then.production.platform != SUPABASE):
        return
    path, text = earlier.supabase
    if found := tuple(_settings(project, folder, text, then, now)):
        yield path, found
    elif not folder.has(path) and not is_said(now) and SUPABASE not in folder.place.parts:
        yield path, (Loosening(how="gone", what=f"{SUPABASE}/{CONFIG}, by which this is a Supabase project,"),)


def is_said(spec: ProjectSpec) -> bool:
    """Whether it says what the platform is."""
    return "platform" in spec.production.model_fields_set


def _settings(project: Project, folder: Folder, text: str, then: ProjectSpec, now: ProjectSpec) -> Iterator[Loosening]:
    document = read_config(text)
    before, said = major_of(document), configured_major(folder)
    after = now.production.postgres or (said.major if said else None)
    if then.production.postgres is None and before is not None and before != after:
        word = "" if after is None else str(after)
        yield Loosening(how="changed" if word else "gone", what="db.major_version", then=str(before), now=word)
    shown, shows = configured_schemas(document).names, exposed_schemas(folder, project.chain)
    is_by_migration = shows.source and not shows.source.endswith(CONFIG)
    if not is_by_migration and not set(shown) <= set(shows.names):
        names = ", ".join(shows.names) or "none"
        yield Loosening(how="changed", what="api.schemas", then=", ".join(shown), now=names)
