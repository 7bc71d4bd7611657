"""Gives a Run as one HTML page: the words of deployment.md, the pictures in it, every finding with its evidence, and
nothing fetched from anywhere.

The page is rendered from the Markdown, so both always say the same. Of HTML inside it only what `markup` itself writes
passes, word for word; anything else is shown as text. Links lead to places on the page alone. There is one script, ours,
which the browser is told by its hash; without it everything is there, unfiltered. The browser is instructed to load
nothing.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from html import escape
from itertools import pairwise

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup

from pgcontract.reporting import markdown
from pgcontract.reporting.charts import charts
from pgcontract.reporting.charts.entities import entities, entities_chart
from pgcontract.reporting.charts.entities import mermaid as entities_text
from pgcontract.reporting.charts.mermaid import overview
from pgcontract.reporting.charts.state_machines import mermaid as states_text
from pgcontract.reporting.charts.state_machines import state_machine_chart, state_machines
from pgcontract.reporting.findings_table import GROUPS, rows
from pgcontract.reporting.measurement_names import named_measurements
from pgcontract.reporting.performance_tables import MERMAID
from pgcontract.reporting.run_view import RunView
from pgcontract.result import Run

FORMAT = "html"
FILE = "deployment.html"
_ALLOWED_INLINE = frozenset({"<br>", "<!-- -->"})
_ALLOWED_BLOCK = re.compile(r"</details>|<details( open)?><summary>[^<>]*</summary>")
_PICTURES = "pictures"
_EVIDENCE = re.compile(r"\bE([1-9][0-9]{0,5})\b(?![.\w])")


def render(run: Run) -> str:
    tokens = _reader().parse(markdown.render_full(run))
    sections = _sections(tokens)
    _insert_pictures(tokens, run)
    body = _reader().renderer.render(tokens, _reader().options, {"findings": len(run.findings)})
    script = Markup(_script())  # noqa: S704 - ours, with nothing of the Run's
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            title=_text(next((token for token in tokens if token.type == "inline"), None)),
            decision=run.verdict.decision.value,
            sections=sections,
            body=Markup(body),  # noqa: S704 - made of tokens by the renderer, which escapes
            rows=rows(RunView(run)),
            groups=GROUPS,
            script=script,
            script_hash=b64encode(sha256(script.encode()).digest()).decode(),
        )
    )


@cache
def _script() -> str:
    return _environment().get_template("page.js.j2").render()


def _sections(tokens: Sequence[Token]) -> list[tuple[str, str]]:
    """The id and the words of every section; the headings get those ids."""
    sections: list[tuple[str, str]] = []
    for opening, words in pairwise(tokens):
        if opening.type == "heading_open" and opening.tag == "h2":
            text = _text(words)
            name = f"section-{len(sections) + 1}"
            opening.attrSet("id", name)
            sections.append((name, text))
    return sections


def _text(token: Token | None) -> str:
    return "".join(child.content for child in (token.children if token and token.children else ()) if not child.tag)


def _insert_pictures(tokens: Sequence[Token], run: Run) -> None:
    """The pictures in place of those that only GitHub can draw: each of those by its text."""
    drawn = entities(RunView(run))
    places: dict[str | None, str] = {
        overview(named_measurements(run)): "".join(picture.svg for picture in charts(run)),
        **({entities_text(drawn): entities_chart(drawn, "tables").svg} if drawn else {}),
        **{
            states_text(machine): state_machine_chart(machine, f"states-{place}").svg
            for place, machine in enumerate(state_machines(run), 1)
        },
    }
    for token in tokens:
        if token.type == "fence" and token.info == MERMAID and (pictures := places.get(token.content.strip("\n"))):
            token.meta = {_PICTURES: pictures}


class _Renderer(RendererHTML):
    """What markdown-it renders, but for HTML of somebody else's, tables too wide for a page, and pictures."""

    def text(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Each id of evidence leads to its finding."""
        inside = idx > 0 and tokens[idx - 1].type == "link_open"
        return _linked(escape(tokens[idx].content), 0 if inside else int(env.get("findings", 0)))

    def html_inline(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        content = tokens[idx].content
        return content if content in _ALLOWED_INLINE else escape(content)

    def html_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        lines = tokens[idx].content.splitlines(keepends=True)
        return "".join(line if _ALLOWED_BLOCK.fullmatch(line.strip()) else escape(line) for line in lines)

    def table_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return '<div class="wide">\n<table>\n'

    def table_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return "</table>\n</div>\n"

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        if pictures := tokens[idx].meta.get(_PICTURES):
            return f'<div class="pictures">\n{pictures}</div>\n'
        return super().fence(tokens, idx, options, env)


def _linked(text: str, findings: int) -> str:
    def link(match: re.Match[str]) -> str:
        return f'<a href="#{match[0]}">{match[0]}</a>' if int(match[1]) <= findings else match[0]

    return _EVIDENCE.sub(link, text)


@cache
def _reader() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True}, renderer_cls=_Renderer).enable("table").disable(
        ["link", "image", "autolink", "reference"]
    )  # fmt: skip


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("pgcontract.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
