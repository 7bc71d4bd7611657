"""An addr-spec as message headers hold it: comments, folding white space, quotes, literals (RFC 5322, 3.4.1)."""

from __future__ import annotations

from typing import Final

from pgcontract.formats.email.mailbox import ATEXT
from pgcontract.formats.oracle.scanner import InvalidText, Scanner, describe_character

_PRINTING: Final = frozenset(map(chr, range(33, 127)))
QTEXT: Final = _PRINTING - set('"\\')
CTEXT: Final = _PRINTING - set("()\\")
DTEXT: Final = _PRINTING - set("[]\\")
_BLANK: Final = frozenset(" \t")
_QUOTABLE: Final = _PRINTING | _BLANK
_OBSOLETE_CONTROLS: Final = frozenset(map(chr, (*range(1, 9), 11, 12, *range(14, 32), 127)))
_OBSOLETE_QUOTABLE: Final = _OBSOLETE_CONTROLS | set("\0\r\n")


def read_addr_spec(text: str, *, obsolete: bool) -> None:
    """`local-part "@" domain`; Refused where it is none, or where only section 4 has it and `obsolete` is not set."""
    reader = _AddrSpecParser(text)
    reader.read()
    if reader.obsolete and not obsolete:
        raise InvalidText(f"{reader.obsolete}, which is obsolete (RFC 5322, 4)")


class _AddrSpecParser(Scanner):
    """Reads by sections 3 and 4 together; `obsolete` is the first thing that only section 4 allows."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.obsolete: str | None = None

    def read(self) -> None:
        self._words("local part", quotes=True)
        if not self.skip("@"):
            raise InvalidText(f"{describe_character(self.next)} where the @ is expected (RFC 5322, 3.4.1)")
        start = self.at
        self._comments()
        if self.next == "[":
            self._literal()
            self._comments()
        else:
            self.at = start
            self._words("domain", quotes=False)
        if self.next:
            raise InvalidText(f"{describe_character(self.next)} behind the domain (RFC 5322, 3.4.1)")

    def _words(self, part: str, *, quotes: bool) -> None:
        """Atoms, and quoted strings where `quotes`, with dots between. Comments only stand at the two ends, and a
        quoted string alone, except in obsolete texts."""
        words, quoted, inner = 0, False, False
        while True:
            commented = self._comments()
            inner = inner or (commented and words > 0)
            if quotes and self.next == '"':
                self._quoted_string()
                quoted = True
            elif not self.take(ATEXT):
                raise InvalidText(f"{self._why_no_word(part, words)} (RFC 5322, 3.4.1)")
            words += 1
            commented = self._comments()
            if not self.skip("."):
                break
            inner = inner or commented
        if inner:
            self._note_obsolete(f"a comment or blank next to a dot of the {part}")
        if quoted and words > 1:
            self._note_obsolete("a quoted string among dots")

    def _why_no_word(self, part: str, words: int) -> str:
        if self.next == ".":
            return f"{'two dots in a row in' if words else 'a dot at the start of'} the {part}"
        if self.next in ("@", ""):
            return f"a dot at the end of the {part}" if words else f"no {part}"
        return f"{describe_character(self.next)} in the {part}"

    def _quoted_string(self) -> None:
        self.skip('"')
        while not self.skip('"'):
            self._quoted_text(QTEXT, "quoted string")

    def _literal(self) -> None:
        self.skip("[")
        while not self.skip("]"):
            if self.next == "\\":
                self._note_obsolete("a quoted pair in a domain literal")
            self._quoted_text(DTEXT, "domain literal")

    def _comments(self) -> bool:
        """Skip [CFWS]; whether there was any. Comments nest, so their depth is counted, not the stack's."""
        start, depth = self.at, 0
        while True:
            if self.skip("("):
                depth += 1
            elif depth and self.skip(")"):
                depth -= 1
            elif depth:
                self._quoted_text(CTEXT, "comment")
            elif not self._folding():
                return self.at > start

    def _quoted_text(self, plain: frozenset[str], where: str) -> None:
        """One step within a quoted string, a comment or a literal: plain text, folding, or a quoted pair."""
        if self.take(plain) or self._folding():
            return
        if self.skip("\\"):
            if self.take(_OBSOLETE_QUOTABLE, 1):
                self._note_obsolete(f"a quoted control character in a {where}")
            elif not self.take(_QUOTABLE, 1):
                raise InvalidText(f"{describe_character(self.next)} behind a backslash (RFC 5322, 3.2.1)")
        elif self.take(_OBSOLETE_CONTROLS):
            self._note_obsolete(f"a control character in a {where}")
        elif not self.next:
            raise InvalidText(f"a {where} that is not closed (RFC 5322, 3.2)")
        else:
            raise InvalidText(f"{describe_character(self.next)} in a {where} (RFC 5322, 3.2)")

    def _folding(self) -> bool:
        """Skip FWS: blanks with at most one line end among them, which must have a blank behind it (3.2.2)."""
        start, lines = self.at, 0
        self.take(_BLANK)
        while self.next in ("\r", "\n"):
            if not self.skip("\r\n") or not self.take(_BLANK):
                raise InvalidText("a line end that is not CRLF and a blank (RFC 5322, 3.2.2)")
            lines += 1
            if lines > 1:
                self._note_obsolete("folding over more than one line")
        return self.at > start

    def _note_obsolete(self, what: str) -> None:
        self.obsolete = self.obsolete or what
