"""What an operator types to deploy the file that was judged: shell words quoted, so a file's name stays a name."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from shlex import quote

from pgcontract.contract.layouts import back_command, deploy_command, folders_of_files
from pgcontract.model.sql import Statement
from pgcontract.model.sql.script import split_statements
from pgcontract.model.sql.transactions import may_be_one_transaction
from pgcontract.reporting.heading import SUPABASE, file_name, project_ref
from pgcontract.result import Run, ScriptFile


def commands(run: Run) -> Mapping[str, str]:
    """By purpose: `checksum`, `push` (Supabase's history), `psql` (one transaction where it can be one, stop at the first
    error), `back`; `tool` and `tool_back` where one file holds both ways, which psql would run."""
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
        "psql": psql_command(run, file, ref=ref, whole=may_be_one_transaction(statements_of(run.script))),
        "tool": (deploy_command(run.layout, folders) or "") if one_file else "",
        "tool_back": (back_command(run.layout, folders, count=1) or "") if one_file else "",
        "back": _back(run, run.rollback, ref) if run.rollback else "",
    }


def folders_of(run: Run) -> Sequence[str]:
    """Where its tool finds the files, as they are typed where the run was started."""
    return folders_of_files(file.path for file in run.sources if file.role == "migration") or [run.project]


def _back(run: Run, rollback: ScriptFile, ref: str) -> str:
    whole = may_be_one_transaction(statements_of(rollback))
    return psql_command(run, posixpath.basename(rollback.path), ref=ref, whole=whole)


def statements_of(script: ScriptFile) -> tuple[Statement, ...]:
    """Those of the file; none where it was too long to be split."""
    return tuple(split_statements(script.text, refuse_psql=False)) if script.statements is not None else ()


def psql_command(run: Run, file: str, *, ref: str, whole: bool, pooler: str | None = None) -> str:
    """One transaction where it is `whole`; it stops at the first error."""
    if run.platform != SUPABASE:
        address = "host=<host> port=5432 user=<owner> dbname=<database>"
    elif pooler is not None:
        address = f"host={pooler} port=5432 user=postgres.{ref} dbname=postgres sslmode=require"
    else:
        address = f"host=db.{ref}.supabase.co port=5432 user=postgres dbname=postgres sslmode=require"
    one = " -1" if whole else ""
    return f"psql {quote(address)} \\\n    -X{one} -v ON_ERROR_STOP=1 -f {quote(file)}"
