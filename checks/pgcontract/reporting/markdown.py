"""Gives a Run as deployment.md: the document's sections in the document's order, each statement with what shows it.

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

from pgcontract.reporting import fragments, markup
from pgcontract.reporting.deploy_commands import commands
from pgcontract.reporting.heading import by_outcome, file_name, header, number, tally
from pgcontract.reporting.object_tables import OTHERS, Objects
from pgcontract.reporting.performance_tables import speed
from pgcontract.reporting.run_view import LOUD, MEANING, Reading, is_wrong
from pgcontract.reporting.sections import Section
from pgcontract.reporting.status_table import confidence, ledger, standing
from pgcontract.reporting.unchecked import gaps, left_out
from pgcontract.result.finding import Finding, Run

FORMAT = "markdown"
MAX_SQL = 200_000  # characters; GitHub stops rendering a page at half a megabyte
_NO_FILE = dict.fromkeys(("path", "stem", "sha256", "lines", "bytes", "statements", "text"))
_NO_DOCUMENT = dict.fromkeys(("title", "date", "status", "purpose", "owner", "philosophy", "project_ref"))
_FENCE = re.compile(r"(`{3,})[A-Za-z0-9+-]*$")
NO_FACTS: Mapping[str, Any] = dict.fromkeys(("path", "stem", "sha256", "lines", "bytes", "statements", "text"))


def render(run: Run) -> str:
    return _page("page.md.j2", run)


def first_screen(run: Run) -> str:
    """What a reviewer must see first, under 60 lines: header, verdict, what is wrong, claims by outcome."""
    return _page("first_screen.md.j2", run)


def _page(template: str, run: Run) -> str:
    return tidy(_environment().get_template(template).render(_context(run)))


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
    made = Environment(
        loader=PackageLoader("pgcontract.reporting"),
        autoescape=True,
        finalize=_safe,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        code=markup.code,
        fence=markup.fence,
        quote=markup.quote,
        outcome=fragments.outcome,
        particulars=fragments.particulars,
        exhibit=fragments.exhibit,
        exhibits=fragments.exhibits,
        settled=fragments.settled,
        statements=fragments.statements,
        claims=fragments.claims_table,
        told=lambda text: markup.prose(text, 300),
        place=_place,
        number=number,
    )
    made.tests.update(wrong=is_wrong, veiled=lambda text: markup.visible(text, lines=True) != text)
    made.globals.update(table=markup.table, fold=markup.fold)
    return made


def _safe(value: object) -> Markup:
    if isinstance(value, Markup):
        return value
    return Markup("") if value is None else markup.prose(value)


def _context(run: Run) -> Mapping[str, Any]:
    read = Reading(run)
    return {
        "run": run,
        "read": read,
        "objects": Objects(read),
        "parts": _environment().get_template("parts.md.j2").module,
        "section": Section,
        "shape_kinds": ("tables", "columns", *OTHERS),
        "header": header(run),
        "meaning": MEANING[run.verdict.decision],
        "tally": tally(read),
        "by_outcome": by_outcome(read),
        "loud": [each for outcome in LOUD for each in read.claims_by(outcome)],
        "script": {**_NO_FILE, **(run.facts.get("script") or {})},
        "way_back": {**_NO_FILE, **run.facts["way_back"]} if run.facts.get("way_back") else None,
        "file": file_name(run),
        "supabase": run.facts.get("platform") == "supabase",
        "commands": commands(run),
        "document": {**_NO_DOCUMENT, **run.document},
        "said": lambda check: _said(read, check),
        "gaps": gaps(read),
        "left_out": left_out(run),
        "speed": speed(run),
        "standing": standing(read),
        "ledger": ledger(read),
        "confidence": confidence(read),
        "max_sql": MAX_SQL,
    }


def _place(finding: Finding) -> Markup:
    """Where a reviewer finds it, and the two words that differ where they are short."""
    short = [text for text in (finding.expected, finding.actual) if text and len(text) <= 72 and "\n" not in text]
    told = Markup("Expected {}, found {}.").format(*map(markup.code, short)) if len(short) == 2 else ""
    at = Markup("At {}.").format(markup.code(finding.origin)) if finding.origin else ""
    return Markup("").join(Markup("<br>{}").format(part) for part in (markup.join((told, at), " "),) if part)


def _said(read: Reading, check: str) -> Markup:
    """What the run has to say of one check: its worst finding by name, or that nothing was shown."""
    found: list[Finding] = sorted(
        (each for each in read.run.findings if each.check == check), key=lambda each: -each.status.rank
    )
    if not found:
        return Markup("not shown ({})").format(markup.code(check))
    return Markup("{} {}").format(fragments.outcome(found[0]), markup.code(found[0].item))
