"""Gives a Run as deployment.md: the sections of its outline in their order, each statement with what shows it.

The page is made from the Run alone and holds no duration but measured ones, so the same Run gives the same bytes.
Templates lay the page out; whatever they print that is not `Markup` is escaped, so a template cannot forget to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pgcontract.model.sql.transactions import may_be_one_transaction
from pgcontract.reporting import fragments, markup
from pgcontract.reporting.charts.state_machines import mermaid as moves_text
from pgcontract.reporting.charts.state_machines import state_machines
from pgcontract.reporting.deploy_commands import commands, statements_of
from pgcontract.reporting.finding_status import is_unresolved
from pgcontract.reporting.first_screen import first_screen_of
from pgcontract.reporting.heading import SUPABASE, file_name, header, number
from pgcontract.reporting.live_tables import live_section
from pgcontract.reporting.object_tables import ObjectTables
from pgcontract.reporting.openings import opening
from pgcontract.reporting.performance_tables import performance_section
from pgcontract.reporting.role_table import role_table
from pgcontract.reporting.run_view import RunView
from pgcontract.reporting.status_table import check_table, confidence, status_rows
from pgcontract.reporting.unchecked import gaps, left_out
from pgcontract.reporting.waiver_calendar import calendar_rows
from pgcontract.result import Content, Finding, Run

FORMAT = "markdown"
FILE = "deployment.md"
MAX_BYTES = 60_000
MAX_SQL = 200_000  # characters; GitHub stops rendering a page at half a megabyte
_FENCE = re.compile(r"(`{3,})[A-Za-z0-9+-]*$")


def render(run: Run) -> str:
    """The page; where it would be longer than `MAX_BYTES`, without the scripts, and then without evidence, which
    deployment.html has."""
    page = _page("page.md.j2", run)
    for shorter in ({"scripts": False}, {"scripts": False, "evidence": False}):
        if len(page.encode()) > MAX_BYTES:
            page = _page("page.md.j2", run, **shorter)
    return page


def render_full(run: Run) -> str:
    """The same page with all that was measured: what deployment.html is made from."""
    return _page("page.md.j2", run, full=True)


def first_screen(run: Run) -> str:
    """What a reviewer must see first, in at most 30 lines: verdict, effect, what needs a person, claims, gaps."""
    return _page("first_screen.md.j2", run, whole=False)


def _page(
    template: str, run: Run, *, whole: bool = True, full: bool = False, scripts: bool = True, evidence: bool = True
) -> str:
    context = {**_context(run, full=full), "whole": whole, "full": full, "scripts": scripts, "evidence": evidence}
    return tidy(_environment().get_template(template).render(context))


def render_template(template: str, run: Run, **context: object) -> str:
    """Another page about the Run, by a template of its own, which has what those of the report have and `context`."""
    return tidy(_environment().get_template(template).render({**_context(run, full=False), **context}))


def tidy(text: str) -> str:
    """One blank line between blocks, however many a template left; a fence keeps every line it holds."""
    lines: list[str] = []
    fence = ""
    for line in text.strip("\n").split("\n"):
        ticks = _FENCE.match(line)
        if fence or line.strip() or (lines and lines[-1]):
            lines.append(line if fence else line.rstrip())
        if fence:
            fence = "" if line == fence else fence
        elif ticks:
            fence = ticks.group(1)
    return "\n".join(lines) + "\n"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("pgcontract.reporting"),
        autoescape=True,
        finalize=_safe,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        code=markup.code,
        fence=markup.fence,
        quote=markup.quote,
        outcome=fragments.outcome,
        finding_details=fragments.finding_details,
        wrong=fragments.wrong,
        evidence_block=fragments.evidence_block,
        exhibits=fragments.exhibits,
        moves_text=moves_text,
        statements=fragments.statements,
        claims=fragments.claims_table,
        short_prose=lambda text: markup.prose(text, 300),
        number=number,
    )
    environment.tests.update(unresolved=is_unresolved)
    environment.globals.update(table=markup.table, fold=markup.fold)
    return environment


def _safe(value: object) -> Markup:
    if isinstance(value, Markup):
        return value
    return Markup("") if value is None else markup.prose(value)


def _context(run: Run, *, full: bool) -> Mapping[str, Any]:
    view = RunView(run)
    statements = statements_of(run.script)
    return {
        "run": run,
        "view": view,
        "machines": state_machines(run),
        "objects": ObjectTables(view, bodies=full),
        "screen": first_screen_of(view),
        "opening": lambda section: opening(section, view),
        "sections": run.outline.sections,
        "see": lambda content: _reference(run, content),
        "header": header(run),
        "file": file_name(run),
        "supabase": run.platform == SUPABASE,
        "commands": commands(run),
        "is_one": may_be_one_transaction(statements),
        "alone": [statement.shown for statement in statements if statement.forbids_transaction_block],
        "check_result": lambda check: _check_result(view, check),
        "gaps": gaps(view),
        "left_out": left_out(run),
        "performance_section": performance_section(view, full=full),
        "live": live_section(view),
        "role_table": role_table(run),
        "status_rows": status_rows(view),
        "waiver_rows": calendar_rows(view.run),
        "check_table": check_table(view),
        "confidence": confidence(view),
        "max_sql": MAX_SQL,
        "max_kb": MAX_BYTES // 1000,
    }


def _reference(run: Run, content: Content) -> Markup:
    """Where the reader finds it: ` (see Verification)`; nothing where no section with a title shows it."""
    section = run.outline.showing(content)
    return Markup(" (see {})").format(markup.prose(section.title)) if section and section.title else Markup("")


def _check_result(view: RunView, check: str) -> Markup:
    """What the run has to say of one check: its worst finding by name, or that nothing was shown."""
    findings: list[Finding] = sorted(
        (finding for finding in view.run.findings if finding.check == check), key=lambda finding: -finding.status.rank
    )
    if not findings:
        return Markup("not shown ({})").format(markup.code(check))
    return Markup("{} {} ({})").format(
        fragments.outcome(findings[0]), markup.code(findings[0].item), view.ids.of(findings[0])
    )
