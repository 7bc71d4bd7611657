"""What a refused statement needs, and whether another that was refused would have brought it about. Pure."""

from __future__ import annotations

import re
from typing import Final

from pgcontract.postgres.script_execution import Refusal
from pgcontract.runner.effects import Effects, read_effects, words_of
from pgcontract.runner.missing import Missing
from pgcontract.values import dataclass

# Where rows are not as the statement needs them, or somebody raises that.
_OF_ROWS: Final = frozenset({"P0001", "P0002", "P0003", "P0004", "21000", "22004"})
# Where what is there is not as the statement needs it: without a key, of another type, in use by others.
_OF_STATE: Final = frozenset({"42830", "42P10", "42804", "42846", "42883", "42P16", "42809", "2BP01", "55000", "23514"})
_UNIQUE_VIOLATION: Final = "23505"
_NOT_NULL_VIOLATION: Final = "23502"
_EXISTS: Final = re.compile(r'"(?P<name>[^"]+)"(?: (?:of|for) (?:relation|table) ".+")? already exists(?:.*)')


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a refused statement needs: what is `missing`, or tables and rows as it expects them; `words` are the names in
    it and in the server's words, `tables` those without the server's sentence."""

    sqlstate: str
    message: str
    missing: Missing | None
    words: frozenset[str]
    tables: frozenset[str]

    @staticmethod
    def of(refusal: Refusal, missing: Missing | None) -> Need:
        tables = words_of(" ".join(filter(None, (refusal.statement, refusal.detail, refusal.context))))
        words = tables | words_of(refusal.message)
        if refusal.sqlstate == _NOT_NULL_VIOLATION:
            # What is read for the row is missing, not the row that is inserted.
            tables -= read_effects(refusal.statement or "").rows_inserted
        return Need(sqlstate=refusal.sqlstate, message=refusal.message, missing=missing, words=words, tables=tables)

    def would_be_met_by(self, effects: Effects) -> bool:
        """Whether a statement, by what it would have done, is why this one is refused."""
        missing = self.missing
        if missing is not None and missing.kind == "column":
            # The column of some other table is no reason; a view or a type has those that its text names.
            if missing.bare in effects.code_words:
                return True
            named = effects.makes("column", missing.bare) or missing.bare in effects.columns_by_query
            return named and (not effects.targets or not effects.targets.isdisjoint({*self.words, missing.of}))
        if missing is not None and any(effects.may_make(missing.effect_kind, name) for name in missing.readings):
            return True
        if match := _EXISTS.search(self.message):
            return effects.takes_away(match["name"])
        if self.sqlstate.startswith("23") or self.sqlstate in _OF_ROWS:
            changed = effects.rows_removed if self.sqlstate == _UNIQUE_VIOLATION else effects.rows_changed
            if not changed.isdisjoint(self.tables):
                return True
        if missing is not None or self.sqlstate not in _OF_STATE:
            return False
        if any(name in self.words for kind, name in effects.taken_away if kind != "column"):
            return True
        return not effects.targets.isdisjoint(self.words) and not (effects.words - effects.targets).isdisjoint(self.words)
