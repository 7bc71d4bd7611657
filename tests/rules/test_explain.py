"""A check's words have their parts, or it is not registered."""

from __future__ import annotations

import re

import pytest
from pgcontract import cli
from pgcontract.result import CheckInfo
from pgcontract.rules.registry import check
from pgcontract.runner import check_infos

WORDS = """Each table is there.

Why it matters: nothing else
holds without it.
How it is measured: pg_class.
What to do: create it.
"""
LINES = WORDS.splitlines(keepends=True)
INCOMPLETE = {
    "no words": "",
    "no title": "".join(LINES[2:]),
    "a title of two sentences on two lines": WORDS.replace("Each table", "Each table is\nthere. It"),
    "no empty line": "".join((LINES[0], *LINES[2:])),
    "no why": "".join((*LINES[:2], *LINES[4:])),
    "no how": "".join((*LINES[:4], LINES[5])),
    "nothing to do": "".join(LINES[:5]),
    "another order": "".join((*LINES[:2], LINES[4], *LINES[2:4], LINES[5])),
}


@pytest.mark.parametrize("words", INCOMPLETE.values(), ids=INCOMPLETE)
def test_a_check_without_one_of_the_parts_is_refused(words: str) -> None:
    with pytest.raises(ValueError, match=r"check table\.absent needs a docstring"):
        check("table.absent", subjects=lambda promise: (), explanation=words)(lambda context: ())


@pytest.mark.parametrize("info", check_infos().values(), ids=check_infos())
def test_the_title_is_the_promise_in_one_sentence(info: CheckInfo) -> None:
    assert re.fullmatch(r"[^\s.].{10,130}", info.title)


@pytest.mark.parametrize("check", check_infos())
def test_a_check_is_explained_by_an_example_of_each_kind(check: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.run(["explain", f"{check}[any.subject]"])

    kept, broken = capsys.readouterr().out.partition("\n\nKept")[2].split("\n\nBroken")
    assert (0, True, True) == (code, ".sql\n    " in kept, "\n\n  " in broken)
