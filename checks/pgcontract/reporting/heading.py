"""What was judged: the file, its target, the server that answered."""

from __future__ import annotations

import posixpath

from markupsafe import Markup

from pgcontract.reporting.markup import code, join, prose, quote, table
from pgcontract.result import Run

PROJECT_REF = "<project-ref>"
SUPABASE = "supabase"


def file_name(run: Run) -> str:
    return posixpath.basename(run.script.path)


def project_ref(run: Run) -> str:
    return run.document.project_ref or PROJECT_REF


def header(run: Run) -> Markup:
    """The rows of what was judged: file, target, server; those of which the Run knows something."""
    document = run.document
    rows = [
        ("Migration", _script(run)),
        ("Target", _target(run)),
        ("Checked on", _server(run)),
        ("Document", join((document.date, quote(document.status) if document.status else ""), ", ")),
    ]
    first, *others = [row for row in rows if row[1]]
    return table(first, others)


def number(count: int, noun: str) -> str:
    """1 line, 2 lines."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _script(run: Run) -> Markup:
    script = run.script
    statements = "" if script.statements is None else number(script.statements, "statement")
    checksum = Markup("SHA-256 {}").format(code(script.sha256))
    return join((code(file_name(run)), number(script.lines, "line"), statements, checksum), ", ")


def _target(run: Run) -> Markup:
    supabase = run.platform == SUPABASE
    major = run.production_major
    project = Markup("project {}").format(code(project_ref(run))) if supabase else ""
    return join(("Supabase" if supabase else "", f"PostgreSQL {major}" if major else "PostgreSQL", project), ", ")


def _server(run: Run) -> Markup:
    server = f"PostgreSQL {run.server.version} ({run.server.provider})" if run.server else "no server"
    return join((prose(server), f"{run.started[:10]}, by pgcontract {run.pgcontract}"), ", ")
