"""A contract's text with a waiver more: all else stays as its owner wrote it."""

from __future__ import annotations

import datetime as dt
import tomllib

import pytest
from pgcontract.contract import Waiver, new_contract, with_waiver

WAIVER = Waiver(check="a.b", subject='public."T x"', reason='it\'s "so"', owner="Ann", until=dt.date(2026, 12, 31))
BLOCK = """
[[waiver]]
check = "a.b"
subject = "public.\\"T x\\""
reason = "it's \\"so\\""
owner = "Ann"
until = 2026-12-31
"""
BEFORE = 'migration = "1.sql"  # the first\n\n[table."public.t"]  # a table\ncolumns.a = { type = "text" }'
ADDED: dict[str, tuple[str, str]] = {
    "behind what is there": (f"{BEFORE}\n", f"{BEFORE}\n{BLOCK}"),
    "behind a last line without an end": (BEFORE, f"{BEFORE}\n{BLOCK}"),
    "with the line ends that are there": (f"{BEFORE}\n".replace("\n", "\r\n"),
                                          f"{BEFORE}\n{BLOCK}".replace("\n", "\r\n")),
    "behind a byte order mark": (f"\ufeff{BEFORE}\n", f"\ufeff{BEFORE}\n{BLOCK}"),
    "behind another waiver": (f'{BEFORE}\n\n[[waiver]]\ncheck = "c.d"\nreason = "r"\nowner = "o"\nuntil = 2026-01-01\n',
        f'{BEFORE}\n\n[[waiver]]\ncheck = "c.d"\nreason = "r"\nowner = "o"\nuntil = 2026-01-01\n{BLOCK}'),
    "in the place of one": (
        f"{BEFORE}\n{BLOCK.replace('2026-12-31', '2020-01-01 # soon').replace('Ann', 'Bob')}\n[[grant]]\nx = 1\n",
        f"{BEFORE}\n{BLOCK.replace('2026-12-31', '2026-12-31 # soon')}\n[[grant]]\nx = 1\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), ADDED.values(), ids=ADDED)
def test_a_waiver_is_added(text: str, expected: str) -> None:
    assert expected == with_waiver(text, WAIVER)


INLINE = 'migration = "1.sql"\nwaiver = [{ check = "c.d", reason = "r", owner = "o", until = 2026-01-01 }]\n'


@pytest.mark.parametrize("text", [INLINE, new_contract("a 'b'.sql"), new_contract('a "b".sql')])
def test_what_is_written_is_read(text: str) -> None:
    fields = {"check": "a.b", "subject": WAIVER.subject, "reason": WAIVER.reason, "owner": "Ann", "until": WAIVER.until}
    before, after = tomllib.loads(text), tomllib.loads(with_waiver(text, WAIVER))

    assert {**before, "waiver": [*before.get("waiver", []), fields]} == after
