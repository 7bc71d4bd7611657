"""The tables of the first screen: file, target, server, totals."""

from __future__ import annotations

import posixpath

from markupsafe import Markup

from pgcontract.reporting.markup import code, join, prose, quote, table
from pgcontract.reporting.run_view import OUTCOMES_WORST_FIRST, RunView, counts
from pgcontract.result import Outcome, Run

PROJECT_REF = "<project-ref>"
SUPABASE = "supabase"


def file_name(run: Run) -> str:
    return posixpath.basename(run.script.path)


def project_ref(run: Run) -> str:
    return run.document.project_ref or PROJECT_REF


def header(run: Run) -> Markup:
    """The header's rows: verdict, file, target, server; those of which the Run knows something."""
    document = run.document
    rows = [
        ("Verdict", Markup("**{}**").format(run.verdict.decision.value)),
        ("Migration", _script(run)),
        ("Target", _target(run)),
        ("Checked on", _server(run)),
        ("Document", join((document.date, quote(document.status) if document.status else ""), ", ")),
    ]
    first, *others = [row for row in rows if row[1]]
    return table(first, others)


def check_totals(view: RunView) -> str:
    """How many checks there were and how they ended, worst first."""
    summary = counts(view.distinct_findings)
    return f"{number(len(view.distinct_findings), 'check')}: {summary}." if summary else "No check ran."


def number(count: int, noun: str) -> str:
    """1 line, 2 lines."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def by_outcome(view: RunView) -> Markup:
    """How many claims had which outcome, and which."""
    held = [(outcome, view.claims_by(outcome)) for outcome in OUTCOMES_WORST_FIRST]
    rows = [
        (
            Markup("**refuted**") if outcome is Outcome.REFUTED else outcome.value,
            str(len(claims)),
            " ".join(view.claim_ids_by(outcome)),
        )
        for outcome, claims in held
        if claims
    ]
    return table(("Outcome", "#Claims", "Which"), rows)


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
