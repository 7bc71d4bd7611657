"""The HTML page says what the Markdown says, fetches nothing, and holds whatever names and texts the Run has."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from measured import latency, query, write
from pgcontract import reporting
from pgcontract.model.schema import Function, Policy, Schema, Table
from pgcontract.reporting.charts import charts
from pgcontract.reporting.markup import visible
from pgcontract.result import Decision, DocumentInfo, Measurements, Verdict
from pgcontract.result.measurements import IndexTrial
from runs import RUNS, base, broken, kept, script

VOID = {"br", "hr", "meta", "rect", "circle", "path", "input"}
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "nav", "main", "div", "p", "ol", "ul", "li", "a", "br", "hr"),
    *("h1", "h2", "h3", "h4", "table", "thead", "tbody", "tr", "th", "td", "code", "pre", "strong", "em"),
    *("details", "summary", "span", "form", "label", "input", "select", "option", "output", "script"),
}
DRAWN = {"svg", "desc", "rect", "text", "g", "path", "circle"}
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Page(HTMLParser):
    """Every tag with its attributes, those left open or closed out of turn, and all text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.wrong: list[str] = []
        self.words: list[str] = []
        self._texts: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        self.wrong += self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.wrong.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        self._texts.append((self._open[-1] if self._open else "", data))

    def texts(self, tag: str) -> list[str]:
        """What stands directly in each tag of the name."""
        return [data for name, data in self._texts if name == tag]

    @property
    def names(self) -> set[str]:
        return {tag for tag, _ in self.tags}

    @property
    def addresses(self) -> set[str]:
        """Whatever a browser might fetch or follow, but for places on the page itself."""
        named = {
            value or ""
            for _, attributes in self.tags
            for key, value in attributes.items()
            if key in ("src", "href", "srcset", "action", "data", "poster", "xlink:href", "formaction", "background")
        }
        return {address for address in named if not re.fullmatch(r"#(section-\w+|E\d+)", address)}


@pytest.mark.parametrize("name", RUNS)
def test_page_is_well_formed_and_names_no_address_outside_itself(name: str) -> None:
    page = Page(reporting.render(RUNS[name], "html"))
    loose = [key for _, attributes in page.tags for key in attributes if key.startswith("on")]

    assert ([], set(), [], set()) == (page.wrong, page.addresses, loose, page.names - TAGS - DRAWN)


@pytest.mark.parametrize("name", RUNS)
def test_page_has_the_sections_of_the_markdown_in_their_order_and_lists_them(name: str) -> None:
    sections = [line[3:] for line in reporting.render(RUNS[name], "markdown").split("\n") if line.startswith("## ")]
    page = Page(reporting.render(RUNS[name], "html"))

    sections.append("All findings")
    listed = [text for text in page.texts("a") if not re.fullmatch(r"E\d+", text)]

    assert (sections, sections) == (listed, page.texts("h2"))


@pytest.mark.parametrize("name", RUNS)
def test_every_id_of_evidence_on_the_page_leads_to_a_finding(name: str) -> None:
    page = Page(reporting.render(RUNS[name], "html"))
    links = {held["href"] for tag, held in page.tags if tag == "a"}
    ids = {f"#{held['id']}" for _, held in page.tags if "id" in held}

    assert set() == links - ids


def test_pictures_stand_in_the_page_in_place_of_the_chart_that_only_github_draws() -> None:
    run = RUNS["measured"]
    page = reporting.render(run, "html")

    assert (True, False) == (all(chart.svg in page for chart in charts(run)), "xychart" in page)


def test_ids_of_the_page_are_each_there_once() -> None:
    ids = [held["id"] for _, held in Page(reporting.render(RUNS["measured"], "html")).tags if "id" in held]

    assert sorted(set(filter(None, ids))) == sorted(filter(None, ids))


def test_hostile_text_is_shown_and_does_nothing() -> None:
    page = Page(reporting.render(RUNS["hostile"], "html"))
    shown = "".join(page.words)

    assert (True, True, False) == ("<b>x</b>" in shown, visible("\x1b[31m") in shown, "b" in page.names)


words = st.text(st.sampled_from("ab |*_<>&[]()#-+=~\\\"'!$%:.1{}/;\n"), min_size=1, max_size=40)


@settings(max_examples=30, deadline=None)
@given(words, words)
@example("<img src=x onerror=alert(1)>", "</main><script>alert(1)</script>")
@example("<svg/onload=alert(1)>", "[a](javascript:alert(1)) <http://a.b> ![](http://a.b/c.png)")
@example("</details><details open><summary><b>x</b></summary>", "```mermaid\nx\n```")
@example("<!-- --><!-- --!><script>", "\n\n<style>*{display:none}</style>\n\n<iframe src='//a.b'>")
def test_no_value_becomes_a_tag_or_an_address(name: str, said: str) -> None:
    part = {"name": name, "purpose": said, "comment": said}
    tried = (IndexTrial(ddl=said, rows=10_000, before=9, after=1),)
    timed_query = query(name, said, said, (3, 4, 4), (34, 336, 3_361), purpose=said, advice=tried)
    written = replace(write(said, said, (800, 820, 840), {said: 90.0}), flow=name)
    run = base(
        verdict=Verdict(decision=Decision.BLOCKED, reasons=(said,)),
        findings=(broken("table.present", name, said, expected=said, actual=said, remedy=said),
                  kept("column.type", name, said)),
        document=DocumentInfo(title=said, purpose=said, owner=said),
        script=script(name, said),
        declared=Schema(tables=(Table(**part),), functions=(Function(**part, body=said, language="mermaid"),),
                        policies=(Policy(**part, table=name),)),
        measurements=Measurements(queries=(timed_query,), times=(latency(name, 1_000, 9.0),), writes=(written,),
                                  conditions=said),
    )  # fmt: skip
    page = Page(reporting.render(run, "html"))

    assert ([], set(), set()) == (page.wrong, page.addresses, page.names - TAGS - DRAWN)


def shown_by_browser(page: str, folder: Path) -> tuple[str, list[str]]:
    """The page as a real browser, 1,600 pixels wide, has it, and what that complains of."""
    assert BROWSER
    file = folder / "page.html"
    file.write_text(page, encoding="utf-8")
    options = ["--headless", "--window-size=1600,900", "--virtual-time-budget=2000", "--no-sandbox", "--disable-gpu"]
    options += [f"--user-data-dir={folder / 'profile'}", "--enable-logging=stderr", "--dump-dom"]
    done = subprocess.run([BROWSER, *options, file.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    assert "</main>" in done.stdout
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium on PATH")
@pytest.mark.parametrize("name", ["measured", "hostile"])
def test_browser_shows_the_page_without_a_complaint(name: str, tmp_path: Path) -> None:
    assert [] == shown_by_browser(reporting.render(RUNS[name], "html"), tmp_path)[1]


# What a reader does, in a copy of the page that lets a second script in; what he then sees is the title.
ACTS = """
const rows = [...document.querySelector('table.findings').tBodies[0].rows], seen = {};
const shown = () => [...document.querySelector('table.findings').tBodies[0].rows].filter(row => !row.hidden);
const press = (key, on) => on.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
const text = document.getElementById('filter-text'), group = document.getElementById('filter-group');
const name = document.querySelector('main').appendChild(document.createElement('p'));
name.textContent = 'a_name_'.repeat(200);
seen.wrapped = name.scrollWidth <= name.clientWidth;
name.remove();
seen.first = shown()[0].id;
group.value = 'settled'; group.dispatchEvent(new Event('change'));
seen.settled = shown().map(row => row.id);
group.value = ''; text.value = 'touch() function.definition'; text.dispatchEvent(new Event('input'));
seen.found = shown().map(row => row.id);
text.value = ''; text.dispatchEvent(new Event('input'));
document.querySelector('.findings thead button').click();
seen.sorted = shown()[0].id;
press('/', document.body);
seen.focus = document.activeElement.id;
press('ArrowDown', text);
seen.row = document.activeElement.closest('tr').id;
document.activeElement.click();
seen.open = document.querySelector('details[open] .evidence').getAttribute('aria-label');
seen.beside = getComputedStyle(document.querySelector('details[open] .evidence')).position;
press('Escape', document.activeElement);
seen.closed = document.querySelectorAll('.findings details[open]').length;
location.hash = '#E63';
addEventListener('hashchange', () => {
    seen.followed = document.querySelector('details[open] .evidence').getAttribute('aria-label');
    document.title = JSON.stringify(seen);
});
"""


@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium on PATH")
def test_reader_filters_sorts_and_opens_by_keyboard_and_by_link(tmp_path: Path) -> None:
    page = reporting.render(RUNS["blocked"], "html")
    unguarded = re.sub(r"<meta http-equiv[^>]*>", "", page).replace("</body>", f"<script>{ACTS}</script></body>")

    assert {
        "wrapped": True,
        "first": "E63",
        "settled": ["E66"],
        "found": ["E65"],
        "sorted": "E1",
        "focus": "filter-text",
        "row": "E1",
        "open": "Evidence E1",
        "beside": "fixed",
        "closed": 0,
        "followed": "Evidence E63",
    } == json.loads(unescape(re.findall("<title>(.*?)</title>", shown_by_browser(unguarded, tmp_path)[0])[0]))


@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium on PATH")
def test_browser_refuses_what_a_page_like_ours_would_fetch(tmp_path: Path) -> None:
    page = reporting.render(base(), "html").replace("<main>", '<main><img src="http://127.0.0.1:9/probe.png">')

    assert 1 == len(shown_by_browser(page, tmp_path)[1])
