"""What a text would do if it were applied: the names it makes and takes away, and the tables whose rows it changes. Pure.

Read from the words alone, DO blocks, function bodies and texts for EXECUTE included: a statement that is refused has left
nothing to look at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field
from functools import lru_cache
from typing import Final

from pgcontract.model.identifiers import read_identifier
from pgcontract.model.qualified_name import split_name
from pgcontract.model.sql.lexer import without_comments
from pgcontract.patterns import lazy_pattern
from pgcontract.values import dataclass

RELATION: Final = "relation"
# What is no kind of its own: a renamed or moved object may be of any.
ANY: Final = "any"
_PART: Final = r'(?:"(?:[^"]|"")+"|[\w$]+)'
_NAME: Final = rf"{_PART}(?:\s*\.\s*{_PART})*"
_KINDS: Final = {
    "TABLE": RELATION,
    "VIEW": RELATION,
    "SEQUENCE": RELATION,
    "INDEX": RELATION,
    "DOMAIN": "type",
    "PROCEDURE": "function",
    "AGGREGATE": "function",
    "ROUTINE": "function",
    "USER": "role",
    "GROUP": "role",
}
_OBJECT: Final = (
    r"TABLE|VIEW|SEQUENCE|INDEX|TYPE|DOMAIN|FUNCTION|PROCEDURE|ROUTINE|AGGREGATE|SCHEMA|ROLE|USER(?!\s+MAPPING)|GROUP"
    r"|EXTENSION|EVENT\s+TRIGGER|TRIGGER|POLICY|RULE|PUBLICATION|COLLATION|CONVERSION|STATISTICS|SERVER"
    r"|FOREIGN\s+DATA\s+WRAPPER|OPERATOR\s+(?:CLASS|FAMILY)|TEXT\s+SEARCH\s+(?:CONFIGURATION|DICTIONARY|PARSER|TEMPLATE)"
    r"|LANGUAGE|CONSTRAINT"
)
_CREATE: Final = lazy_pattern(
    rf"\bCREATE\s+(?:[a-z]+\s+){{0,4}}?(?P<kind>{_OBJECT})\s+(?:CONCURRENTLY\s+)?(?:IF\s+NOT\s+EXISTS\s+)?(?P<name>{_NAME})",
    re.IGNORECASE,
)
_DROP: Final = lazy_pattern(
    rf"\bDROP\s+(?:MATERIALIZED\s+|FOREIGN\s+(?=TABLE))?(?P<kind>{_OBJECT}|COLUMN)\s+(?:CONCURRENTLY\s+)?"
    rf"(?:IF\s+EXISTS\s+)?(?P<names>{_NAME}(?:\s*,\s*{_NAME})*)",
    re.IGNORECASE,
)
_DROP_COLUMN: Final = lazy_pattern(
    rf"\bDROP\s+(?:IF\s+EXISTS\s+)?(?!(?:{_OBJECT}|COLUMN|MATERIALIZED|FOREIGN|IF|NOT|DEFAULT|EXPRESSION|IDENTITY|OWNED"
    rf"|ATTRIBUTE|CAST|OPERATOR|ACCESS|DATABASE|TABLESPACE|SUBSCRIPTION|USER)\b)(?P<name>{_PART})",
    re.IGNORECASE,
)
_RENAME: Final = lazy_pattern(
    rf"\bRENAME\s+(?:(?P<kind>COLUMN|CONSTRAINT|ATTRIBUTE|VALUE)\s+)?(?:(?P<old>{_NAME}|'[^']*')\s+)?TO\s+"
    rf"(?P<name>{_PART}|'[^']*')",
    re.IGNORECASE,
)
_RENAMED: Final = lazy_pattern(
    rf"\bALTER\s+(?:[a-z]+\s+){{0,2}}?(?:{_OBJECT})\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?(?P<name>{_NAME})\s*(?:\([^)]*\)\s*)?"
    r"(?:RENAME\s+TO|SET\s+SCHEMA)\b",
    re.IGNORECASE,
)
_MOVED: Final = lazy_pattern(
    rf"\bALTER\s+(?:[a-z]+\s+){{0,2}}?(?:{_OBJECT})\s+(?:IF\s+EXISTS\s+)?(?P<name>{_NAME})\s*(?:\([^)]*\)\s*)?"
    rf"SET\s+SCHEMA\s+(?P<schema>{_PART})",
    re.IGNORECASE,
)
_ADD: Final = lazy_pattern(
    rf"\bADD\s+(?P<word>COLUMN\s+|ATTRIBUTE\s+)?(?:IF\s+NOT\s+EXISTS\s+)?"
    rf"(?!(?:CONSTRAINT|COLUMN|ATTRIBUTE|VALUE|PRIMARY|UNIQUE|CHECK|FOREIGN|EXCLUDE|IF|GENERATED|TABLE|TABLES)\b)"
    rf"(?P<name>{_PART})",
    re.IGNORECASE,
)
_LABEL: Final = lazy_pattern(r"\bADD\s+VALUE\s+(?:IF\s+NOT\s+EXISTS\s+)?'(?P<name>(?:[^']|'')*)'", re.IGNORECASE)
_LABELS: Final = lazy_pattern(r"\bAS\s+ENUM\s*\((?P<labels>[^)]*)\)", re.IGNORECASE)
_CONSTRAINT: Final = lazy_pattern(rf"\bCONSTRAINT\s+(?P<name>{_PART})", re.IGNORECASE)
_INTO: Final = lazy_pattern(rf"\bSELECT\b[^;]*?\bINTO\s+(?:TABLE\s+)?(?P<name>{_NAME})", re.IGNORECASE)
_TARGET: Final = lazy_pattern(
    rf"\b(?:(?:CREATE|ALTER|DROP)\s+(?:[a-z]+\s+){{0,4}}?(?:TABLE|VIEW|TYPE)\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?:ONLY\s+)?"
    rf"|ON\s+(?:ONLY\s+)?|PARTITION\s+OF\s+)(?P<name>{_NAME})",
    re.IGNORECASE,
)
_MAKES_COLUMNS: Final = lazy_pattern(r"\bCREATE\s+(?:[a-z]+\s+){0,4}?(?:VIEW|TABLE|TYPE)\b", re.IGNORECASE)
_INSERTS: Final = lazy_pattern(rf"\b(?:INSERT\s+INTO|COPY)\s+(?P<name>{_NAME})", re.IGNORECASE)
_ADDS_ROWS: Final = lazy_pattern(
    rf"\b(?:INSERT\s+INTO|MERGE\s+INTO|COPY|UPDATE)\s+(?:ONLY\s+)?(?P<name>{_NAME})", re.IGNORECASE
)
_REMOVES_ROWS: Final = lazy_pattern(
    rf"\b(?:DELETE\s+FROM|MERGE\s+INTO|TRUNCATE(?:\s+TABLE)?|UPDATE)\s+(?:ONLY\s+)?(?P<name>{_NAME})", re.IGNORECASE
)
_CODE: Final = lazy_pattern(r"\s*(?:(?P<block>DO)|CALL|SELECT|WITH|EXECUTE)\b", re.IGNORECASE)
_STRING: Final = lazy_pattern(r"'((?:[^']|'')*)'")
_WORD: Final = lazy_pattern(r'"(?:[^"]|"")+"|[\w$]+')
_IMPLIED: Final = lazy_pattern(r"_(?:seq|pkey|key|fkey|idx|check|excl|not_null)\d*")
# Words of statements, and types, that say nothing of what a statement is about.
_COMMON: Final = frozenset(
    """
    add alter as bigint boolean by cascade check column concurrently constraint create date default drop exists foreign
    from if in index insert int integer into is jsonb json key not null numeric on only or primary references rename
    replace select serial bigserial set table text timestamp timestamptz to type unique update using uuid values varchar
    view where with char character varying smallint validate valid
    """.split()  # noqa: SIM905
)


@dataclass(frozen=True, kw_only=True)
class Effects:
    """`made` and `taken_away` are pairs of a kind and a bare name, `made_in` those whose schema is written, as
    (schema, name); `targets` the relations and types that are made or altered; `columns_by_query` what may be a column of
    a view or a type that it makes; `words` every name in it; `code_words` those of which a DO block, or a function that
    is called, may put texts together."""

    made: frozenset[tuple[str, str]] = frozenset()
    made_in: frozenset[tuple[str, str]] = frozenset()
    taken_away: frozenset[tuple[str, str]] = frozenset()
    targets: frozenset[str] = frozenset()
    columns_by_query: frozenset[str] = frozenset()
    rows_inserted: frozenset[str] = frozenset()
    rows_changed: frozenset[str] = frozenset()
    rows_removed: frozenset[str] = frozenset()
    words: frozenset[str] = field(default=frozenset(), repr=False)
    code_words: frozenset[str] = field(default=frozenset(), repr=False)

    def makes(self, kind: str, name: str) -> bool:
        """Whether it makes what has that name, or does along with a table."""
        if not {(kind, name), (ANY, name)}.isdisjoint(self.made):
            return True
        if kind == "type" and (RELATION, name) in self.made:
            return True
        if kind in (RELATION, "constraint"):
            other = "constraint" if kind == RELATION else RELATION
            if (other, name) in self.made or (_IMPLIED.search(name) and self._belongs(name)):
                return True
        return False

    def may_make(self, kind: str, name: str) -> bool:
        """Whether it makes that, or may by a text that it puts together."""
        if self.makes(kind, name):
            return True
        built = kind not in ("type", "function")  # the code names those that it uses, too
        return built and (name in self.code_words or any(_opens(word, name) for word in self.code_words))

    def takes_away(self, name: str) -> bool:
        """Whether it drops, renames or moves something of that name, or may by a text that it builds."""
        return any(taken == name for _, taken in self.taken_away) or name in self.code_words

    def _belongs(self, name: str) -> bool:
        return any(name.startswith(f"{target}_") for target in self.targets)


@lru_cache(maxsize=4096)
def read_effects(text: str) -> Effects:
    """What a statement, or a whole script, would do."""
    text = without_comments(text)
    made: set[tuple[str, str]] = set()
    made_in: set[tuple[str, str]] = set()
    taken: set[tuple[str, str]] = set()
    for match in _CREATE.finditer(text):
        kind = kind_of(match["kind"])
        made.add((kind, bare(match["name"])))
        made_in.update(_in_schema(match["name"]))
    for match in _INTO.finditer(text):
        made.add((RELATION, bare(match["name"])))
    for match in _RENAME.finditer(text):
        kind = {"VALUE": "label", "CONSTRAINT": "constraint"}.get((match["kind"] or "").upper()) or (
            "column" if match["old"] else ANY
        )
        made.add((kind, bare(match["name"])))
        if match["old"]:
            taken.add((kind, bare(match["old"])))
    for match in _RENAMED.finditer(text):
        taken.add((ANY, bare(match["name"])))
    for match in _MOVED.finditer(text):
        made.add((ANY, bare(match["name"])))
        made_in.add((bare(match["schema"]), bare(match["name"])))
    for match in _ADD.finditer(text):
        made.add(("column", bare(match["name"])))
    for match in _CONSTRAINT.finditer(text):
        made.add(("constraint", bare(match["name"])))
    for match in _LABEL.finditer(text):
        made.add(("label", match["name"].replace("''", "'")))
    for match in _LABELS.finditer(text):
        made.update(("label", label) for label in re.findall(r"'((?:[^']|'')*)'", match["labels"]))
    for match in _DROP.finditer(text):
        taken.update((kind_of(match["kind"]), bare(name)) for name in re.findall(_NAME, match["names"]))
    taken.update(("column", bare(match["name"])) for match in _DROP_COLUMN.finditer(text))
    words, removed = words_of(text), _names(_REMOVES_ROWS, text)
    return Effects(
        made=frozenset(made),
        made_in=frozenset(made_in),
        taken_away=frozenset(taken),
        targets=_names(_TARGET, text),
        rows_changed=_names(_ADDS_ROWS, text) | removed,
        rows_removed=removed,
        columns_by_query=words if _MAKES_COLUMNS.search(text) else frozenset(),
        rows_inserted=_names(_INSERTS, text),
        words=words,
        code_words=_code_words(text, words),
    )


def _code_words(text: str, words: frozenset[str]) -> frozenset[str]:
    code = _CODE.match(text)
    if code is None or code["block"]:
        return words if code else frozenset()
    return words_of(" ".join(_STRING.findall(text)))


def kind_of(word: str) -> str:
    """The kind of an object by the word for it, in a statement or in the server's words."""
    word = " ".join(word.split()).upper()
    if word != "FOREIGN DATA WRAPPER":
        word = word.removeprefix("MATERIALIZED ").removeprefix("FOREIGN ")
    return _KINDS.get(word, word.lower())


def bare(name: str) -> str:
    """`t` of `public.t` and of `"t"`, as SQL reads it: folded where it stands without quotes."""
    if name.startswith("'"):
        return name[1:-1]
    written, _ = split_name(re.sub(r"\s*\.\s*", ".", name.strip()))
    return read_identifier(written[-1]) if written else name


def words_of(text: str) -> frozenset[str]:
    """Every name in a text, those in its strings too, without the words of statements and types."""
    return frozenset(read_identifier(word) for word in _WORD.findall(text)) - _COMMON


def _in_schema(name: str) -> Iterator[tuple[str, str]]:
    written, _ = split_name(re.sub(r"\s*\.\s*", ".", name))
    if len(written) > 1:
        yield read_identifier(written[-2]), read_identifier(written[-1])


def _names(pattern: re.Pattern[str], text: str) -> frozenset[str]:
    return frozenset(bare(match["name"]) for match in pattern.finditer(text))


def _opens(word: str, name: str) -> bool:
    """Whether the name may be put together of that word and more: `events_` and a year."""
    return len(word) > 2 and word.endswith("_") and name.startswith(word)
