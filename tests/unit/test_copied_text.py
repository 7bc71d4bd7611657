"""What gets into SQL when it is copied or merged is named."""

from __future__ import annotations

import pytest
from pgcontract.model.sql.copied_text import copied_text_advice

# ¦ is where the server stopped.
ADVICE = {
    "SELECT 1;\n¦<<<<<<< HEAD\n": "“<<<<<<<” is git's mark of a conflict",
    "SELECT 1;\n¦=======\n": "“=======” is git's mark of a conflict",
    "¦INFO  [alembic.runtime.migration] Context impl.\n": "a line of a tool's log",
    "¦```sql\n": "“```” is Markdown's",
    "ALTER TABLE a ¦ADD\u00a0COLUMN b int;": "U+00A0 (no-break space)",
    "¦\u200bSELECT 1;": "U+200B (zero width space)",
    "SELECT ¦‘x’;": "“‘” is no quote to PostgreSQL: type ' in",
}


@pytest.mark.parametrize("text", ADVICE)
def test_copied_text_is_named(text: str) -> None:
    assert ADVICE[text] in str(copied_text_advice(text.replace("¦", ""), text.index("¦")))


@pytest.mark.parametrize("text", ["SELECT ¦'it';\n-- it’s", "SELECT 1\n¦== 2;", "-- INFO [a.b] c\nSELECT ¦1;"])
def test_plain_text_is_not(text: str) -> None:
    assert copied_text_advice(text.replace("¦", ""), text.index("¦")) is None
