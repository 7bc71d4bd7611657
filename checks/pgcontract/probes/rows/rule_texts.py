"""What the rules of a table say, as text: triggers and all functions that they call, CHECKs, rules, expressions.

Only read for what to try, never for what is true: the literals that they compare with, the columns that they name. A
function is found by its bare name, wherever it stands; one that is only called by a made-up statement is not.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations, pairwise
from typing import Final

from pgcontract.model.schema import Schema
from pgcontract.model.sql.lexer import Token, TokenKind, tokens
from pgcontract.patterns import lazy_pattern
from pgcontract.probes.boundary_values import literal_values

_SEPARATORS: Final = frozenset({";", "THEN", "ELSE", "BEGIN", "LOOP", "DECLARE"})
_NO_CONDITION: Final = frozenset({"INSERT", "RAISE", "PERFORM", "NOTIFY", "DELETE"})
_DECIDING: Final = frozenset({"CASE", "WHEN", "AND", "OR", "COALESCE", "NULLIF", "WHERE"})
_PATTERN: Final = lazy_pattern(
    r"(?P<sign>!?~~?\*?|\b(?:NOT\s+)?(?:LIKE|ILIKE|SIMILAR\s+TO))\s*\(?(?P<text>[Ee]?'(?:[^']|'')*')", re.IGNORECASE
)
# `-> 'a' ->> 'b'`, `? 'a'`, `['a']['b']`; and `#>> '{a,b}'`.
_JSON_KEYS: Final = lazy_pattern(r"(?:(?:->>?|\?|\[)\s*'(?:[^']|'')*'\s*\]?\s*)+")
# What any client can set; what stands in a token (`request.jwt.claims`) a client of the API cannot.
_SETTING: Final = lazy_pattern(r"(?i)\bcurrent_setting\s*\(\s*'((?!request\.)[a-z_]\w*\.[\w.]+|application_name)'")
_JSON_PATH: Final = lazy_pattern(r"#>>?\s*'\{([^}']+)\}'")


@dataclass(frozen=True)
class RuleTexts:
    """The texts, each once: a WHEN, a function's body, a CHECK; `checks` are those of CHECKs, defaults and indexes, and
    `columns` the table's (bare)."""

    texts: tuple[str, ...]
    checks: frozenset[str] = frozenset()
    columns: frozenset[str] = frozenset()

    @cached_property
    def strings(self) -> tuple[str, ...]:
        """The values of every string in them, in order."""
        return tuple(dict.fromkeys(text for text in self._literals if not _is_number(text)))

    @cached_property
    def numbers(self) -> tuple[str, ...]:
        """Every number in them, strings that hold one included, in order."""
        return tuple(dict.fromkeys(filter(_is_number, self._literals)))

    @cached_property
    def patterns(self) -> tuple[tuple[str, bool], ...]:
        """What texts are matched against, and whether it is a regular expression (else a LIKE pattern)."""
        found: dict[tuple[str, bool], None] = {}
        for match in (match for text in self.texts for match in _PATTERN.finditer(text)):
            pattern, sign = literal_values(match["text"])[0], match["sign"].upper()
            if sign.endswith("TO"):
                pattern = f"^(?:{pattern.replace('%', '.*').replace('_', '.')})$"
            found[pattern, sign.strip("!*") == "~" or sign.endswith("TO")] = None
        return tuple(found)

    @cached_property
    def json_paths(self) -> tuple[tuple[str, ...], ...]:
        """The keys by which they look into documents, from the outermost on."""
        found = [literal_values(match[0]) for text in self.texts for match in _JSON_KEYS.finditer(text)]
        found += [tuple(match[1].split(",")) for text in self.texts for match in _JSON_PATH.finditer(text)]
        return tuple(dict.fromkeys(found))

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name in them: columns, tables, functions (bare)."""
        return frozenset().union(*map(_names_in, self.texts))

    def of_column(self, column: str) -> RuleTexts:
        """Those by which the column (bare) can turn a rule: that name it, and functions that name no column at all, for
        they may be called with it. A CHECK of the column alone judges it and nothing else."""
        if not any(self._is_turned_by(text, column) for text in self.texts):
            return RuleTexts(())
        return RuleTexts(tuple(text for text in self.texts if self._is_turned_by(text, column) or not self._named[text]))

    def checked_alone(self, column: str) -> RuleTexts:
        """The CHECKs that name the column (bare) and no other, and those of domains, which name none."""
        return RuleTexts(tuple(text for text in self.texts if text in self.checks and self._named[text] <= {column}))

    def pairs(self, columns: Collection[str]) -> dict[tuple[str, str], frozenset[str]]:
        """The pairs of these columns (bare) that one trigger or function reads both where it decides something, with the
        literals of these places."""
        wanted = set(columns)
        met: dict[tuple[str, str], frozenset[str]] = {}
        for text in self.texts:
            if text in self.checks or len(self._named[text] & wanted) < 2:
                continue
            literals: dict[str, frozenset[str]] = {}
            for segment in _segments(tokens(text)):
                words = frozenset(literal_values(" ".join(token.text for token in segment)))
                for name in wanted.intersection(_names_decided_by(segment)):
                    literals[name] = literals.get(name, frozenset()) | words
            for pair in combinations(sorted(literals), 2):
                met[pair] = met.get(pair, frozenset()) | literals[pair[0]] | literals[pair[1]]
        return met

    def settings(self) -> dict[str, tuple[str, ...]]:
        """The settings of a session that they read and any client can set, with the literals beside which each stands."""
        found: dict[str, dict[str, None]] = {}
        for text in self.texts:
            for match in _SETTING.finditer(text):
                found.setdefault(match[1], {}).update(dict.fromkeys(literal_values(text)))
        return {name: tuple(literal for literal in literals if literal != name) for name, literals in found.items()}

    def decisions(self, columns: Collection[str], asked: Collection[str]) -> Iterator[Mapping[str, tuple[str, ...]]]:
        """What decides at one place, where it is more than a pair of these columns (bare) or than a CHECK's own one: the
        columns and settings that are read there, each with the literals there, the nearest first. Conditions within
        conditions are one as well. A CHECK that names none of those `asked` about decides nothing of them."""
        settings = self.settings()
        for text in self.texts:
            if text in self.checks and self._named[text].isdisjoint(asked):
                continue
            least = 2 if text in self.checks else 3
            whole: dict[str, tuple[str, ...]] = {}
            for segment in _segments(tokens(text)):
                read = _read_with(segment, {*columns}, settings)
                for name, literals in read.items():
                    whole[name] = tuple(dict.fromkeys((*whole.get(name, ()), *literals)))
                if len(read) >= least or not settings.keys().isdisjoint(read):
                    yield read
            if len(whole) >= least:
                yield whole

    def _is_turned_by(self, text: str, column: str) -> bool:
        return column in self._named[text] and not (text in self.checks and len(self._named[text]) == 1)

    @cached_property
    def _named(self) -> dict[str, frozenset[str]]:
        """The columns that each text names: as a name or, as to_jsonb(NEW) needs it, as a string."""
        return {text: self.columns & {*_names_in(text), *literal_values(text)} for text in self.texts}

    @cached_property
    def _literals(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(literal for text in self.texts for literal in literal_values(text)))


def read_rule_texts(schema: Schema, table: str) -> RuleTexts:
    """Those of the table, of what it is a part of, and of its partitions and children, sub-partitions included."""
    family = _family(schema, table)
    triggers = [
        trigger for trigger in schema.triggers if trigger.table in family and trigger.enabled in ("origin", "always")
    ]
    columns = [column for column in schema.columns if column.table in family]
    types = {data_type.name for data_type in schema.types for column in columns if data_type.is_type(column.type)}
    checks: list[str | None] = [
        one.definition for one in schema.constraints if one.table in family | types and one.form == "check"
    ]
    checks += [index.predicate for index in schema.indexes if index.table in family and index.unique]
    checks += [column.default for column in columns]
    texts: list[str | None] = []
    for trigger in triggers:
        texts += [trigger.when, ", ".join(trigger.columns), *map(_quoted, trigger.arguments)]
    texts += [rule.definition for rule in schema.rules if rule.table in family and rule.enabled in ("origin", "always")]
    texts += checks
    called = {trigger.function for trigger in triggers}
    bodies = [function.body for function in schema.functions if function.name in called]
    texts += bodies
    return RuleTexts(
        tuple(dict.fromkeys(text for text in (*texts, *_called(schema, texts)) if text)),
        frozenset(text for text in checks if text),
        frozenset(column.bare_name for column in columns),
    )


def _family(schema: Schema, table: str) -> frozenset[str]:
    above = {one.name: (*((one.partition_of,) if one.partition_of else ()), *one.inherits) for one in schema.tables}
    family, waiting = {table}, [table]
    while waiting:
        for name in above.get(waiting.pop(), ()):
            if name not in family:
                family.add(name)
                waiting.append(name)
    ancestors = frozenset(family)
    grown = True
    below = {table}
    while grown:
        more = {name for name, parents in above.items() if below.intersection(parents)} - below
        below |= more
        grown = bool(more)
    return ancestors | below


def _called(schema: Schema, texts: Iterable[str | None]) -> Iterator[str]:
    """The bodies of the functions whose names stand in the texts, and in these bodies, and so on."""
    bodies: dict[str, list[str]] = {}
    for function in schema.functions:
        if function.body:
            bodies.setdefault(function.bare_name, []).append(function.body)
    waiting = [text for text in texts if text]
    while waiting:
        for name in _calls_in(waiting.pop()):
            for body in bodies.pop(name, ()):
                yield body
                waiting.append(body)


def _segments(read: Iterable[Token]) -> Iterator[list[Token]]:
    """A text cut where one statement or condition of plpgsql ends."""
    segment: list[Token] = []
    for token in read:
        if token.upper in _SEPARATORS:
            yield segment
            segment = []
        else:
            segment.append(token)
    yield segment


def _read_with(segment: list[Token], columns: Collection[str], settings: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The columns and settings that a segment decides by, each with the literals of the segment, the nearest first."""
    decided = set(_names_decided_by(segment)).intersection(columns)
    literals: list[tuple[int, str]] = []
    places: dict[str, list[int]] = {}
    for place, token in enumerate(segment):
        value = literal_values(token.text)[0] if token.kind in (TokenKind.STRING, TokenKind.NUMBER) else None
        if value in settings:
            places.setdefault(str(value), []).append(place)
        elif value is not None or (token.upper == "NULL" and segment[place - 1].upper in ("IS", "FROM")):
            literals.append((place, value or "NULL"))
        elif token.kind in (TokenKind.WORD, TokenKind.QUOTED) and token.name in decided:
            places.setdefault(token.name, []).append(place)

    def distance(name: str, at: int) -> int:
        """Behind the name is nearer than before it."""
        return min(2 * (at - place) if at > place else 3 * (place - at) for place in places[name])

    return {
        name: tuple(dict.fromkeys(text for _, text in sorted((distance(name, at), text) for at, text in literals)))
        for name in places
    }


def _names_decided_by(segment: list[Token]) -> Iterator[str]:
    """What a segment reads where it decides something: not what it stores elsewhere or reports, nor what it copies into
    a column."""
    if not segment or segment[0].upper in _NO_CONDITION:
        return
    copies = len(segment) > 3 and segment[0].upper == "NEW" and segment[3].text in (":=", "=")
    if copies and not any(token.upper in _DECIDING for token in segment):
        return
    yield from _names_among(segment[4:] if copies else segment)


@lru_cache(512)  # every probe of a table reads the same texts
def _names_in(text: str) -> frozenset[str]:
    return frozenset(_names_among(tokens(text)))


def _names_among(read: Iterable[Token]) -> Iterator[str]:
    return (token.name for token in read if token.kind in (TokenKind.WORD, TokenKind.QUOTED))


@lru_cache(512)
def _calls_in(text: str) -> tuple[str, ...]:
    """The names with arguments behind them."""
    return tuple(
        token.name
        for token, following in pairwise(tokens(text))
        if following.text == "(" and token.kind in (TokenKind.WORD, TokenKind.QUOTED)
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d{1,18}(\.\d{1,12})?", text) is not None
