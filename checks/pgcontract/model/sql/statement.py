"""One statement of a script: its text, its place, and what its first words say."""

from __future__ import annotations

import re

from pgcontract.model.sql.lexer import tokens
from pgcontract.values import dataclass

_TRANSACTION_CONTROL = {"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT"}
# Matched against the leading words; each command's page in the manual says "inside a transaction block".
_NO_TRANSACTION_BLOCK = re.compile(
    r"CREATE (UNIQUE )?INDEX CONCURRENTLY|DROP INDEX CONCURRENTLY|REINDEX (DATABASE|SYSTEM|SCHEMA)\b"
    r"|REINDEX \w+ CONCURRENTLY|VACUUM\b|(CREATE|DROP) (DATABASE|TABLESPACE|SUBSCRIPTION)\b|ALTER SYSTEM\b"
    r"|DISCARD ALL\b|CLUSTER$|(COMMIT|ROLLBACK) PREPARED\b"
)
# These forms carry the deciding word behind names or in parentheses.
_NO_TRANSACTION_BLOCK_LATE = re.compile(
    r"ALTER TABLE .* DETACH PARTITION .* CONCURRENTLY|REINDEX \( .*\bCONCURRENTLY\b"
    r"|CLUSTER VERBOSE$|CLUSTER \( [^)]*\)$|ALTER DATABASE .* SET TABLESPACE"
)
_LATE_HEADS = {"ALTER", "REINDEX", "CLUSTER"}


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement of a script; its text opens with its first keyword and has no semicolon at its end.

    `offset` counts characters in `Script.text` from 0; lines and columns count from 1. `words` are the leading
    unquoted words, upper-cased, at most eight: keywords, then maybe a name. `path` is the file it stands in.
    `copy_rows` are the rows that follow a COPY … FROM STDIN, as the server gets them. `same_message`: where its tool
    sends the script in pieces, it goes in one message with the statement before it. `written` is how its file spells it,
    where values are sent in the place of names.
    """

    text: str
    number: int
    offset: int
    line: int
    column: int
    words: tuple[str, ...]
    path: str = ""
    copy_rows: str | None = None
    same_message: bool = False
    written: str | None = None

    @property
    def shown(self) -> str:
        """The text that may be shown: a value may be a secret."""
        return self.text if self.written is None else self.written

    @property
    def is_transaction_control(self) -> bool:
        """Whether it opens or ends a transaction; savepoints, and going back to one, do not."""
        match self.words:
            case ("ROLLBACK", *rest) if "TO" in rest[:2]:
                return False
            case ("PREPARE", "TRANSACTION", *_):
                return True
            case (first, *_):
                return first in _TRANSACTION_CONTROL
            case _:
                return False

    @property
    def forbids_transaction_block(self) -> bool:
        """Whether the server runs it only outside a transaction block (SQLSTATE 25001 within)."""
        if _NO_TRANSACTION_BLOCK.match(" ".join(self.words)) and not (self.words[0] == "CLUSTER" and '"' in self.text):
            return True
        if not self.words or self.words[0] not in _LATE_HEADS:
            return False
        return bool(_NO_TRANSACTION_BLOCK_LATE.match(" ".join(token.text.upper() for token in tokens(self.text))))
