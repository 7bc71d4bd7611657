"""Markdown that no value can break: what is not marked safe is shown as text, wherever it stands.

Every function takes plain text and gives `Markup`, which `str.format`, joining and the templates leave alone.
The dialect is GitHub's (CommonMark with tables); a reader of the raw file should not be annoyed either.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from html import escape

from markupsafe import Markup

MAX_CELL = 400
MAX_LINES = 120
MAX_SQL_LINES = 40  # of evidence that is cut: what is to be run is no use in part
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})


class _EscapeTable(dict[int, str]):
    """What stands for each code point, found once: itself, or an escape where a reader would not see it."""

    def __missing__(self, point: int) -> str:
        char = chr(point)
        if char != " " and unicodedata.category(char) in _HIDDEN:
            shown = char.encode("unicode_escape", "surrogatepass").decode("ascii")
        else:
            shown = char
        return self.setdefault(point, shown)


_ONE_LINE = _EscapeTable()
_MANY_LINES = _EscapeTable({ord("\n"): "\n", ord("\t"): "\t"})


def visible(text: str, *, lines: bool = False) -> str:
    r"""The text with control, format and odd blank characters as `\x1b`, `\u202e`; `lines` keeps newline and tab."""
    return text.replace("\r\n", "\n").translate(_MANY_LINES) if lines else text.translate(_ONE_LINE)


def truncate_text(text: str, limit: int = MAX_CELL) -> str:
    """At most `limit` characters, and then how many there were."""
    return text if len(text) <= limit else f"{text[:limit].rstrip()} … ({len(text):,} characters)"


_CODE = re.compile(r"`([^`\n]+)`")
_SPECIAL = re.compile(r"[\\`*~$]|<(?=[A-Za-z/!?])|\](?=[(\[:])|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)")
_MENTION = re.compile(r"(?<![\w.+-])@(?=\w)")
_BLOCK = re.compile(r"^(\d{0,9})(?:(?<=\d)(?=[.)](?:\s|$))|(?<!\d)(?=[#>+=\[-]))")


def _escape_markdown(text: str) -> str:
    escaped = _SPECIAL.sub(r"\\\g<0>", visible(text, lines=True))
    # GitHub notifies whoever is named after an @, even through an entity; a comment in between stops it.
    return _MENTION.sub("@<!-- -->", escaped).replace("\t", " ").replace("\n", "<br>")


def prose(text: object, limit: int = 4000) -> Markup:
    """Words of ours or of an owner's, in one line; what stands between two backticks is code."""
    pieces = _CODE.split(truncate_text(str(text).strip(), limit))
    joined = "".join(code(piece) if at % 2 else _escape_markdown(piece) for at, piece in enumerate(pieces))
    return Markup(_BLOCK.sub(r"\1\\", joined))  # noqa: S704 - escaped above


def code(text: object, limit: int = MAX_CELL) -> Markup:
    """A name, a value or a piece of SQL in one line, its line ends shown."""
    shown = visible(truncate_text(str(text), limit))
    if not shown:
        return Markup("(empty)")
    ticks = "`" * (1 + max((len(run) for run in re.findall(r"`+", shown)), default=0))
    pad = " " if shown[0] + shown[-1] == "  " or "`" in (shown[0], shown[-1]) else ""
    return Markup(f"{ticks}{pad}{shown}{pad}{ticks}")  # noqa: S704


def quote(text: object) -> Markup:
    """Somebody's words, word for word."""
    return Markup(f"“{prose(text)}”")  # noqa: S704


def fence(text: str, language: str = "text", max_lines: int | None = MAX_LINES) -> Markup:
    """A block, its fence longer than any inside; what is beyond `max_lines` is counted, not shown."""
    lines = visible(text, lines=True).strip("\n").split("\n")
    shown_lines = lines if max_lines is None else lines[:max_lines]
    body = "\n".join(line if max_lines is None else truncate_text(line, 2000) for line in shown_lines)
    ticks = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", body)), default=0))
    more = f"\n\n{len(lines) - len(shown_lines):,} more lines are in run.json." if len(shown_lines) < len(lines) else ""
    return Markup(f"{ticks}{re.sub(r'[^A-Za-z0-9+-]', '', language)}\n{body}\n{ticks}{more}")  # noqa: S704


def table(columns: Sequence[object], rows: Iterable[Sequence[object]]) -> Markup:
    """A table; a cell that is not `Markup` is prose. Nothing where there are no rows.

    A column of the heading that begins with `#` is aligned to the right and loses the sign.
    """
    body = [[_cell(cell) for cell in row] for row in rows]
    if not body:
        return Markup("")
    right = [not isinstance(column, Markup) and str(column).startswith("#") for column in columns]
    head = [_cell(str(column)[1:] if at else column) for column, at in zip(columns, right, strict=True)]
    rule = ["---:" if is_right else "---" for is_right in right]
    lines = ["| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |" for row in (head, *body)]
    return Markup("\n".join((lines[0], "|" + "|".join(rule) + "|", *lines[1:])))  # noqa: S704


def _cell(value: object) -> Markup:
    return value if isinstance(value, Markup) else prose(value, MAX_CELL)


def fold(title: object, body: Markup, *, opened: bool = False) -> Markup:
    """The body behind its title, for what is long; `title` is text."""
    start = "<details open>" if opened else "<details>"
    return Markup(f"{start}<summary>{escape(visible(str(title)))}</summary>\n\n{body}\n\n</details>")  # noqa: S704


def join(pieces: Iterable[object], between: str = " · ") -> Markup:
    """The pieces that are not empty, each safe, with `between` in between."""
    safe = (piece if isinstance(piece, Markup) else prose(piece) for piece in pieces if piece)
    return Markup(between.join(safe))  # noqa: S704
