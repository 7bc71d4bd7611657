"""Of each format one page is kept in tests/golden, byte for byte; of the other hand-made Runs, what they alone show.

`reports/SAMPLE.md` is one more, of a Run with everything in it (tests/unit/test_sample.py).
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from pgcontract import reporting
from pgcontract.reporting.charts import Chart, charts
from pgcontract.reporting.text import render_page
from pgcontract.result import Evidence, Outline, Run
from runs import RUNS, base, broken

GOLDEN = Path(__file__).parents[1] / "golden"


def with_sections(run: Run, *ids: str) -> Run:
    sections = tuple(section for section in run.outline.sections if section.id in ids)
    return replace(run, outline=Outline(sections=sections))


# The HTML says what the Markdown says: of it a page with an element of every kind is enough.
PAGES = {
    "blocked.md": (RUNS["blocked"], "markdown"),
    "blocked.txt": (RUNS["blocked"], "text"),
    "blocked.github": (RUNS["blocked"], "github"),
    "hostile.html": (with_sections(RUNS["hostile"], "summary", "tables", "next_steps"), "html"),
}
# A query with everything, and a flow.
PICTURES = [chart for chart in charts(RUNS["measured"]) if chart.name in ("cost-open", "latency-open", "wal-checkout")]
SHOWN = {
    ("bare", "markdown"): [
        "No contract was given: nothing was promised, and the objects are listed as the server holds them. All 5 checks ",
        "| functions | – | 1 | `public.touch()` |\n",
        "| `public.touch()` | returns trigger, plpgsql, volatile, security invoker | Sets updated_at | not shown |\n",
        "There is no rollback script: the migration has no `.down.sql` beside it.\n",
        "| NOTED `script.parsed[script]` E2 | Statement 4 (line 15) cannot be read; the catalog judged what it ",
        "\nConfidence: as far as it was shown (nothing was promised, 5 of 7 checks kept)\n",
    ],
    ("bare", "text"): ["\nclaims   none\nchecks   2 noted, 5 kept\n"],
    ("bare", "github"): ["CAUTION: 021_touch\n  no contract: nothing was promised\n"],
    ("caution", "markdown"): [
        "**CAUTION.** It may be deployed by somebody who has read what follows. 1 correction: C4.\n"
    ],
    ("caution", "text"): [
        " CAUTION  020_sessions on PostgreSQL 18.6 (wheel)\nIt may be deployed by somebody who has read what follows.\n\n"
        "• 1 correction: C4\n• 6 claims are not shown\n\n"
        "Taken on trust\n~ Z7 is called untestable: It is a decision, not a property.\n\n"
        "claims   1 corrected (C4), 6 not shown, 1 untestable, 7 upheld\nchecks   3 noted, 63 kept\n"
    ],
    ("refused", "markdown"): [
        "\n2. **BROKEN (error)** `table.present[public.t0]` (E1–E12): Table public.t0 is not there. And 11 more: ",
        "\n| **BROKEN (error)** | `table.present[public.t11]` E12 | Table public.t11 is not there. |\n",
        '```text\nERROR:  42601: syntax error at or near "CREAT"\nLINE 2: CREAT TABLE public.sessions (\n        ^\n',
        "| columns | 4 | – | `id`, `email`, `status`, and 1 more |\n",
        "**Not checked:** 2 that cannot be asked while 020 is not applied.\n\n**Besides:** 1 note that ",
        "\n\nCould not be asked: `column.key_width` (E14) · `column.padded` (E15).\n",
        "| NOTED 2 checks E14 E15 | The server refused the script. |\n",
    ],
    ("refused", "text"): ["• the script does not apply\n\n✗ BROKEN (error) script.applies[script]\n",
        "    LINE 2: CREAT TABLE public.sessions (\n            ^\n  remedy   Correct the statement",
        "\n  2 checks could not be asked because of it\n", "checks   13 broken, 2 not asked, 1 noted\n"],
    ("refused", "github"): ["::error file=schema/migrations/020_sessions.sql,line=2,col=1,title=BROKEN script.applies"],
    ("hostile", "markdown"): ["| Target | Supabase, PostgreSQL, project `x'; rm -rf` |\n",
        " **To do:** a|b`c`\\`\\<b>x\\</b><br># h %s @<!-- -->team [l\\](u) \\\\x1b[31m \\\\u202e \\$1 \\_e\\_ \\*s\\* ",
        " At ``a b%,:|`.sql:3``. **To do:** "],
    ("hostile", "text"): [
        "\n  at       a b%,:|`.sql:3\n  expected a|b`c``<b>x</b>\n           # h %s @team [l](u) \\x1b[31m"
    ],
    ("hostile", "github"): [
        '::error file=a b%25%2C%3A|`.sql,line=3,title=BROKEN table.present[public."a|b`c``<b>x</b>\\n# h'
    ],
    ("measured", "markdown"): [
        '    x-axis ["by_email", "open", "by_answer"]\n',
        "| `by_answer` | O(n) | none | 34, 336, 3,361 | – | 1.00 (0.99 to 1.00) | 31.5 ms, 50.4 ms (200) | ",
        "| `checkout.rename` · update | O(log n) | 9, 10, 11 | 216 B | 0 | 97% | 63 µs, 99 µs (100) | ",
        "Cost over rows, times and WAL by index are drawn in `charts/` beside this page, and in deployment.html.\n",
        "| Performance | **BROKEN (warning)** | 1 broken, 2 kept | 2 not shown |\n",
    ],
    ("measured", "html"): ["<td><code>CREATE INDEX ON public.sessions USING gin (answers)</code></td>",
                           "<td>1,000<br>10,000<br>100,000</td>"],
    ("measured", "github"): [
        "::warning file=schema/migrations/020_sessions.sql,line=1,title=BROKEN query.growth[open]::It grows"
    ],
}  # fmt: skip


def without_our_own_files(page: str) -> str:
    """An HTML page without the style and the script, which are the same in all of them."""
    page = re.sub(r"(?s)<(style|script)>.*?</\1>", r"<\1></\1>", page)
    return re.sub(r"'sha256-[^']+'", "'sha256-…'", page)


def golden(name: str, rendered: str) -> str:
    """What is kept under the name; written anew first where PGCONTRACT_REGENERATE asks for it."""
    path = GOLDEN / name
    if os.environ.get("PGCONTRACT_REGENERATE"):
        path.write_bytes(rendered.encode())
    return path.read_bytes().decode()


@pytest.mark.parametrize("page", PAGES)
def test_page_equals_the_golden_page(page: str) -> None:
    rendered = without_our_own_files(reporting.render(*PAGES[page]))

    assert golden(page, rendered) == rendered


@pytest.mark.parametrize(("name", "kind"), SHOWN)
def test_page_shows_what_its_run_alone_has(name: str, kind: str) -> None:
    page = reporting.render(RUNS[name], kind)

    assert [] == [words for words in SHOWN[name, kind] if words not in page]


def test_sql_on_a_terminal_keeps_its_lines() -> None:
    lines = [f"-- {n} {'word ' * 30}".rstrip() for n in range(41)]
    evidence = Evidence(title="To run", text="\n".join(lines), language="sql")
    page = render_page(
        base(findings=(broken("lock.no_scan", "public.t", "It is read.", evidence=(evidence,)),)), width=80, verbose=True
    )

    assert [f"    {line}" for line in lines[:40]] == [line for line in page.splitlines() if "-- " in line]
    assert "    … 1 more in run.json\n" in page


@pytest.mark.parametrize("chart", PICTURES, ids=lambda chart: chart.name)
def test_picture_equals_the_golden_picture(chart: Chart) -> None:
    assert golden(f"charts/{chart.name}.svg", chart.svg) == chart.svg
