"""Lays out a picture as SVG: what every picture has in common, text a file or a name may not break included.

The same values give the same bytes. Colours are Okabe and Ito's, distinct in every kind of colour vision, and each
line has a dash and a marker of its own besides; a dark reader gets the lighter half of them.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from pgcontract.reporting.markup import truncate_text, visible
from pgcontract.values import dataclass

WIDTH = 640
LINE_CHARACTERS = 86
# In the order in which they are given out; `soft` is the promise's.
TONES = ("a", "b", "c", "d", "e", "f", "g", "h")


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One picture: `name` is its file's without .svg, `title` what it shows, `svg` the whole file."""

    name: str
    title: str
    svg: str


def draw_chart(
    template: str,
    *,
    name: str,
    title: str,
    description: str,
    caption: Iterable[str],
    bottom: float,
    **parts: object,
) -> Chart:
    """The picture that a template of `templates/charts` lays out, its caption from the pixel `bottom` on; texts are
    shown as text, whatever they hold."""
    title = visible(truncate_text(title, 110))
    lines = [line for paragraph in caption if paragraph for line in wrap_lines(paragraph)]
    svg = (
        _environment()
        .get_template(template)
        .render(
            name=name,
            title=title,
            description=visible(description),
            caption=lines,
            bottom=bottom,
            width=WIDTH,
            height=bottom + 12 + 17 * len(lines),
            **parts,
        )
    )
    return Chart(name=name, title=title, svg=svg)


def ellipsize(text: str, limit: int) -> str:
    """The text in at most so many characters."""
    return visible(text) if len(visible(text)) <= limit else f"{visible(text)[: limit - 1]}…"


def wrap_lines(text: str, width: int = LINE_CHARACTERS, lines: int = 3) -> list[str]:
    """The text in at most so many lines of about so many characters."""
    return textwrap.wrap(visible(text), width=width, max_lines=lines, placeholder=" …")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("pgcontract.reporting", "templates/charts"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["px"] = lambda value: f"{value:.1f}".removesuffix(".0")
    return environment
