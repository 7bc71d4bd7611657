"""The comments by which tools tell the way up from the way back in one file: they show whose file it is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from pgcontract.contract.migration_folder import Folder
from pgcontract.model.sql import split_statements
from pgcontract.patterns import lazy_pattern

_MARKS: Final = {
    "goose": lazy_pattern(r"^--\s*\+goose\s+(?i:up|statementbegin|no transaction|envsub on|down)\s*$", re.M),
    "dbmate": lazy_pattern(r"^--\s*migrate:(?:up|down)(?:\s*$|\s+\S+)", re.M),
    "sql-migrate": lazy_pattern(r"^-- \+migrate (?:Up|Down)\b.*$", re.M),
}
NODE_UP: Final = lazy_pattern(r"^\s*--[\s-]*up\s+migration", re.I | re.M)
NODE_DOWN: Final = lazy_pattern(r"^\s*--[\s-]*down\s+migration", re.I | re.M)
_WORDS: Final = ("+goose", "migrate:", "+migrate")
_BLOCK_COMMENT: Final = lazy_pattern(r"/\*.*?\*/", re.S)


def mark_in(folder: Folder) -> tuple[str, str, Path] | None:
    """The tool, its mark and the file, the first by name, in which one stands before any statement."""
    return folder.once("mark", lambda: _mark_in(folder))


def _mark_in(folder: Folder) -> tuple[str, str, Path] | None:
    for path in folder.files():
        text = folder.opening(path)
        if not any(word in text for word in _WORDS) and not NODE_UP.search(text):
            continue
        first = next(split_statements(text, refuse_psql=False), None)
        comments = _BLOCK_COMMENT.sub("", text[: first.offset if first else None])
        marks = [
            (match.start(), tool, match.group().strip()) for tool in _MARKS if (match := _MARKS[tool].search(comments))
        ]
        # One of these alone is a heading that anybody may write.
        if (match := NODE_UP.search(comments)) and NODE_DOWN.search(text):
            marks.append((match.start(), "node-pg-migrate", match.group().strip()))
        if marks:
            _, tool, mark = min(marks)
            return tool, mark, path
    return None


def shows(folder: Folder, tool: str) -> str | None:
    """What shows that the folder is that tool's, if a mark of it comes first."""
    found = mark_in(folder)
    return f"has “{found[1]}” in {found[2].name}" if found and found[0] == tool else None
