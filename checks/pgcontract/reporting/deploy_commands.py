"""What an operator types to deploy the file that was judged: shell words quoted, so a file's name stays a name."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from shlex import quote

from pgcontract.contract.layouts import back_command, deploy_command, folders_of_files
from pgcontract.reporting.heading import SUPABASE, file_name, project_ref
from pgcontract.result import Run


def commands(run: Run) -> Mapping[str, str]:
    """By purpose: `checksum`, `push` (Supabase's history), `psql` (one transaction, stop at the first error), `back`;
    `tool` and `tool_back` where one file holds both ways, which psql would run."""
    file, ref = file_name(run), project_ref(run)
    one_file = run.rollback is not None and run.rollback.path == run.script.path
    folders = folders_of(run)
    name = run.migration.removeprefix(f"{run.display_name(run.migration)}_")
    pushed = f'supabase/migrations/"$(date -u +%Y%m%d%H%M%S)"{quote(f"_{name}.sql")}'
    return {
        "checksum": f"echo {quote(f'{run.script.sha256}  {file}')} | sha256sum --check",
        "editor": f"https://supabase.com/dashboard/project/{ref}/sql/new",
        "push": f"supabase login\nsupabase link --project-ref {quote(ref)}\n"
        f"cp -- {quote(file)} {pushed}\nsupabase db push",
        "psql": _psql(run, ref, file),
        "tool": (deploy_command(run.layout, folders) or "") if one_file else "",
        "tool_back": (back_command(run.layout, folders, count=1) or "") if one_file else "",
        "back": _psql(run, ref, posixpath.basename(run.rollback.path)) if run.rollback else "",
    }


def folders_of(run: Run) -> Sequence[str]:
    """Where its tool finds the files, as they are typed where the run was started."""
    return folders_of_files(file.path for file in run.sources if file.role == "migration") or [run.project]


def _psql(run: Run, ref: str, file: str) -> str:
    return f"psql {quote(_address(run, ref))} \\\n    -X -1 -v ON_ERROR_STOP=1 -f {quote(file)}"


def _address(run: Run, ref: str) -> str:
    if run.platform == SUPABASE:
        return f"host=db.{ref}.supabase.co port=5432 user=postgres dbname=postgres sslmode=require"
    return "host=<host> port=5432 user=<owner> dbname=<database>"
