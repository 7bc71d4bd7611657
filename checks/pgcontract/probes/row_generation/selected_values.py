"""Values by which a script chooses the rows that it changes: without a row of each it is seen to change none."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby, zip_longest
from operator import itemgetter
from typing import Final

from pgcontract.model.sql import Script, Statement
from pgcontract.model.sql.lexer import Token, TokenKind, tokens
from pgcontract.probes.boundary_values import literal_values
from pgcontract.probes.row_generation.compared_forms import beside, flags_in, neighbours, signed, values_in_other_forms
from pgcontract.probes.row_generation.json_keys import read_documents
from pgcontract.probes.row_generation.update_parts import UpdatePart, update_parts
from pgcontract.values import dataclass

_CHOOSES: Final = frozenset({"UPDATE", "DELETE", "INSERT"})
_CLOCK: Final = frozenset(
    {"NOW", "CURRENT_TIMESTAMP", "CURRENT_DATE", "LOCALTIMESTAMP", "CLOCK_TIMESTAMP", "STATEMENT_TIMESTAMP"}
)
# On either side of whatever day it is, and of what is counted back or on from it.
_LONG_AGO, _LONG_AFTER = "1999-12-31", "2199-12-31"
_CUTS: Final = frozenset({"LEFT", "RIGHT", "SUBSTR", "SUBSTRING"})
# Of what loses more than letters, values that it does not keep apart.
_LEVELS: Final = {
    "DATE_TRUNC": ("2024-05-06 07:08:09", "2024-05-06 07:08:10", "2024-05-06 10:11:12"),
    "DATE": ("2024-05-06 07:08:09", "2024-05-06 10:11:12"),
    **dict.fromkeys(("ROUND", "TRUNC", "FLOOR", "CEIL", "CEILING", "INT", "INTEGER", "BIGINT"), ("7.1", "7.11", "7.2")),
}
# The same of what only writes a value in another form.
_FORMS: Final = {
    **dict.fromkeys(("LOWER", "UPPER", "INITCAP", "TRIM", "BTRIM", "LTRIM", "RTRIM"), ("One b", " one b ", "one b")),
    **dict.fromkeys(("REPLACE", "REGEXP_REPLACE", "TRANSLATE"), ("1-2", "12", "1 2")),
}
_BOUNDED: Final = frozenset({"VARCHAR", "VARYING", "CHAR", "CHARACTER", "BPCHAR"})
_CLAUSES: Final = frozenset({"WHERE", "SET", "RETURNING", ";", "CASE", "WHEN", "THEN", "ELSE", "END"})
_LONGEST: Final = 10_000
_NAMES: Final = (TokenKind.WORD, TokenKind.QUOTED)
_MOST_OF_ONE: Final = 80  # rows that are made for what the statements on one table compare
_MAX_FIRST: Final = 6  # no more rows are made for what is cut, where others are chosen


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What one statement compares: each literal, or None for NULL, with the bare names before it, the nearest first.
    `words` are the names that stand in the statement, of its tables too."""

    literals: tuple[tuple[tuple[str, ...], str | None], ...]
    words: frozenset[str]

    def row(self, columns: Collection[str]) -> Mapping[str, str | None]:
        """The first literal of each of these columns."""
        row: dict[str, str | None] = {}
        for names, text in self.literals:
            if name := next((name for name in names if name in columns), None):
                row.setdefault(name, text)
        return row


@dataclass(frozen=True, kw_only=True)
class SelectedValue:
    """A value of the column of that bare name; what the UPDATE `cut` cuts is also given to a row that this chooses.
    `put_into` are the bare names of tables that the script puts it into itself: it must not be there yet. `conditions`
    are the numbers of those statements that compare with it, or with parts of it where it `is_document`."""

    name: str
    text: str | None
    cut: UpdatePart | None = None
    is_document: bool = False
    put_into: frozenset[str] = frozenset()
    conditions: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The values by which a script chooses rows, and the conditions in which they stand together."""

    values: tuple[SelectedValue, ...] = ()
    conditions: tuple[Condition, ...] = ()

    def of_table(self, table: str, columns: Collection[str], limit: int) -> tuple[SelectedValue, ...]:
        """The first of those that these columns of the table take: of what the statements that name it compare one after
        the other, and so at least one each, then whatever others compare in a column of that name."""
        values = [value for value in self.values if value.name in columns and table not in value.put_into]
        own = {number for number, condition in enumerate(self.conditions) if table in condition.words}
        by_condition = [[value for value in values if number in value.conditions] for number in sorted(own)]
        in_turn = [value for each in zip_longest(*by_condition) for value in each if value is not None]
        cut = [value for value in values if value.cut]
        # Without an UPDATE of its own it may be written through a view.
        first = ([value for value in cut if value.cut and value.cut.table == table] or cut)[:_MAX_FIRST]
        ordered: dict[tuple[str, str | None], SelectedValue] = {}
        for value in (*first, *in_turn, *values):
            ordered.setdefault((value.name, value.text), value)
        return tuple(ordered.values())[: max(limit, min(len(first) + len(own), _MOST_OF_ONE))]

    def rows_of_table(self, table: str, columns: Collection[str]) -> Iterator[Mapping[str, str | None]]:
        """For each statement that names it and compares several of the columns the first value of each."""
        for condition in self.conditions:
            row = condition.row(columns) if table in condition.words else {}
            if len(row) > 1:
                yield row


def selected_values(script: Script) -> Selection:
    """The literals behind a WHERE, or in a CASE, each with the bare name that stands before it; of numbers and days their
    neighbours, too; of a column that JSON keys are taken out of, documents. Before them, of what an UPDATE cuts
    (`left(note, 20)`, `note::varchar(20)`, `round(total)`), values that are the same but for what is cut off.
    """
    cut: dict[tuple[str, str | None, str], SelectedValue] = {}
    chosen: dict[tuple[str, str | None], list[int]] = {}
    conditions: list[Condition] = []
    put: dict[str, set[str]] = {}
    documents: set[tuple[str, str | None]] = set()
    for statement in script.statements:
        body = "".join(literal_values(statement.text)) if statement.words[:1] == ("DO",) else ""
        for text in (statement.text, body):
            read = tokens(text)
            words = {token.upper for token in read}
            for table, literals in _inserted(read).items():
                put.setdefault(table, set()).update(literals)
            changes = words & _CHOOSES or {"ALTER", "USING"} <= words
            if (changes and "CREATE" not in words) or _makes_of_rows(statement):
                for part in _statements(read):
                    found = (*read_documents(part),)
                    documents.update(found)
                    for pair in (*found, *compared_values(part)):
                        chosen.setdefault(pair, []).append(len(conditions))
                    conditions.append(
                        Condition(
                            literals=tuple((names, texts[0]) for names, texts in _compared(part)),
                            words=frozenset(token.name for token in part if token.kind in _NAMES),
                        )
                    )
                for update in update_parts(text):
                    for name, value in _cut_values(update.assigned):
                        cut.setdefault((name, value, update.table), SelectedValue(name=name, text=value, cut=update))
    rest = (
        SelectedValue(
            name=name,
            text=text,
            is_document=(name, text) in documents,
            put_into=frozenset(table for table, literals in put.items() if text in literals),
            conditions=tuple(dict.fromkeys(numbers)),
        )
        for (name, text), numbers in chosen.items()
    )
    return Selection(values=(*rest, *cut.values()), conditions=tuple(conditions))


def _statements(read: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """The tokens between semicolons."""
    start = 0
    for place, token in enumerate(read):
        if token.text == ";":
            yield read[start:place]
            start = place + 1
    yield read[start:]


def _makes_of_rows(statement: Statement) -> bool:
    """Whether it is CREATE TABLE … AS SELECT."""
    words = statement.words
    return (
        words[:1] == ("CREATE",)
        and "TABLE" in words[1:4]
        and any(each.upper == "SELECT" for each in tokens(statement.text))
    )


def _inserted(read: Sequence[Token]) -> Mapping[str, set[str]]:
    """The literals of whatever has an INSERT or MERGE, by the bare names of the tables behind INTO."""
    names: set[str] = set()
    for place, token in enumerate(read[:-1]):
        if token.upper == "INTO" and read[place - 1].upper in ("INSERT", "MERGE"):
            name = read[place + 1 : place + 4]
            names.add(name[2].name if len(name) == 3 and name[1].text == "." else name[0].name)
    constants = [token.text for token in read if token.kind in (TokenKind.STRING, TokenKind.NUMBER)] if names else []
    literals = {text for constant in constants for text in literal_values(constant)}
    return dict.fromkeys(names, literals)


def cuts_off(value: Sequence[Token]) -> bool:
    """Whether something of a value is cut off, and it is not only brought into another form."""
    return any(token.upper in _CUTS | _LEVELS.keys() for token in value)


def is_neighbour(text: str | None, other: str | None) -> bool:
    """Whether it is the number or day right beside the other."""
    return other is not None and text in neighbours(other)


def compared_values(read: Sequence[Token]) -> Iterator[tuple[str, str | None]]:
    """The literals of conditions, each with the bare name that stands before it, and of numbers and days their
    neighbours; a day long ago and one far off for what is compared with the clock; None for what is asked to be NULL."""
    for names, texts in _compared(read):
        yield from ((name, text) for name in reversed(names) for text in texts)


def _compared(read: Sequence[Token]) -> Iterator[tuple[tuple[str, ...], tuple[str | None, ...]]]:
    """The names before each of them, the nearest first, and what it is compared with."""
    for condition in _conditions(read):
        for name, text in (*values_in_other_forms(condition, read), *flags_in(condition)):
            yield (name,), (text,)
    names: list[str] = []
    for place, (token, is_condition) in enumerate(zip(read, _in_conditions(read), strict=True)):
        if token.upper in _CLAUSES:
            continue
        if is_condition and token.kind in _NAMES:
            if token.upper in _CLOCK:
                yield tuple(names[:-5:-1]), (_LONG_AGO, _LONG_AFTER)
                continue
            names.append(token.name)
            if [each.upper for each in read[place + 1 : place + 3]] == ["IS", "NULL"]:
                yield (token.name,), (None,)
        elif is_condition and token.kind in (TokenKind.STRING, TokenKind.NUMBER):
            text = signed(read, place)
            # A keyword (IN, BETWEEN, AND) may stand between; of no column, it takes no value.
            yield tuple(names[:-5:-1]), beside(text, read[place - 1].text)


def _in_conditions(read: Sequence[Token]) -> Iterator[bool]:
    """Of each token whether it stands in a condition; what begins one does."""
    is_condition = is_behind_where = False
    for token in read:
        if token.upper in ("WHERE", "SET", "RETURNING", ";"):
            is_condition = is_behind_where = token.upper == "WHERE"
        elif token.upper in _CLAUSES:
            is_condition = token.upper in ("CASE", "WHEN") or (token.upper == "END" and is_behind_where)
        yield is_condition


def _conditions(read: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """The tokens of each condition."""
    for is_condition, pairs in groupby(zip(read, _in_conditions(read), strict=True), key=itemgetter(1)):
        if is_condition:
            yield [token for token, _ in pairs]


def _cut_values(read: Sequence[Token]) -> Iterator[tuple[str, str]]:
    yield from ((name, text) for name, length in _cuts(read) for text in _texts_longer_than(length))
    yield from _levelled(read)


def _cuts(read: Sequence[Token]) -> Iterator[tuple[str, int]]:
    """Each name whose text is cut, with the number of letters that it is cut by."""
    for place, token in enumerate(read[:-1]):
        if token.upper not in _CUTS | _BOUNDED or read[place + 1].text != "(":
            continue
        inside = _in_parentheses(read[place + 2 :])
        around = inside if token.upper in _CUTS else read[max(place - 5, 0) : place]
        lengths = [int(each.text) for each in inside if each.kind is TokenKind.NUMBER and each.text.isdecimal()]
        if lengths and max(lengths) <= _LONGEST:
            yield from ((each.name, max(lengths)) for each in around if each.kind in (TokenKind.WORD, TokenKind.QUOTED))


def _levelled(read: Sequence[Token]) -> Iterator[tuple[str, str]]:
    """Each name of whose values something is cut off, with values that differ in that."""
    for place, token in enumerate(read[:-1]):
        called = read[place + 1].text == "("
        around = _in_parentheses(read[place + 2 :]) if called else read[max(place - 3, 0) : place]
        if token.upper in _LEVELS | _FORMS and (called or read[place - 1].text == "::"):
            names = [each.name for each in around if each.kind in (TokenKind.WORD, TokenKind.QUOTED)]
            yield from ((name, text) for name in names for text in (_LEVELS | _FORMS)[token.upper])


def _in_parentheses(read: Sequence[Token]) -> Sequence[Token]:
    """The tokens up to the parenthesis that closes the one before them."""
    depth = 1
    for place, token in enumerate(read):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0:
            return read[:place]
    return read


def _texts_longer_than(length: int) -> tuple[str, str, str]:
    """Three texts: the second differs from the first in its last letter, the third in its first one."""
    middle = ("abcdefghij" * (length // 10 + 1))[:length]
    return f"a{middle}a", f"a{middle}b", f"b{middle}a"
