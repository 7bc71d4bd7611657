"""The constants that bodies and defaults write into tables whose rules for values a deploy changes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final

from pgcontract.catalog import subtract
from pgcontract.model.schema import Column, Function, Schema, Trigger
from pgcontract.model.sql import split_statements
from pgcontract.model.sql.lexer import tokens
from pgcontract.model.sql.plpgsql import BodyStatement
from pgcontract.model.sql.token_cursor import Cursor
from pgcontract.model.sql.written_values import Expression, Write, constant_of, constants_of, read_writes
from pgcontract.patterns import lazy_pattern
from pgcontract.postgres.script_execution import Refusal
from pgcontract.probes.context import Context
from pgcontract.probes.executed.routines import Routine, migrated_routines
from pgcontract.probes.executed.unvisited import ASKS_FIRST
from pgcontract.probes.script_words import names_in_code
from pgcontract.values import dataclass

DEFAULT: Final = "DEFAULT"
_RULES: Final = ("check", "foreign key", "not null")
# What handles no refusal of a value.
_OTHER_CONDITIONS: Final = frozenset(("unique_violation", "no_data_found", "too_many_rows", "23505", "p0002", "p0003"))
_CHANGES_NEW: Final = lazy_pattern(r"\bnew\s*:?=|\binto\s+new\b|populate_record|#=")
_ATOMIC: Final = lazy_pattern(r"\A\s*BEGIN\s+ATOMIC\b(?P<statements>.*)\bEND\s*;?\s*\Z", re.DOTALL | re.IGNORECASE)
# What lets a statement behind it write what a rule would refuse.
_LOOSENS: Final = lazy_pattern(r"\balter\s+(?:table|domain)\b|\bset\s+constraints\b|\bsession_replication_role\b")
_RULE_ACTION: Final = lazy_pattern(
    r"CREATE RULE .*? DO\s+(?:INSTEAD\s+|ALSO\s+)?(?P<action>\(.*|(?:INSERT|UPDATE)\b.*)", re.DOTALL
)
_OPERATION: Final = {"TG_OP": str.upper, "LOWER ( TG_OP )": str.lower, "UPPER ( TG_OP )": str.upper}


@dataclass(frozen=True, kw_only=True)
class Other:
    """A rule, or a job of pg_cron: what a sentence calls it, and by which name findings know it."""

    called: str
    subject: str


@dataclass(frozen=True, kw_only=True)
class Writer:
    """A statement of a routine or of some `other`, or a column's default, that writes a row: by bare column name the
    constants that it can have. `start` and `line` are where the statement stands in PL/pgSQL; one that `is_of_new`
    assigns to NEW, and before one that `is_loosened` the routine may have taken away what would refuse it. One that
    `is_passed` on was refused in the `call`, or where it was run by itself; `is_anothers` where the function that
    writes it is one that this calls."""

    table: str
    options: Mapping[str, Sequence[str]]
    routine: Routine | None = None
    other: Other | None = None
    statement: str = ""
    start: int | None = None
    line: int | None = None
    is_of_new: bool = False
    is_loosened: bool = False
    is_passed: bool = False
    is_anothers: bool = False
    call: tuple[str, Refusal] | None = None


def text_of(function: Function | None) -> str:
    """All that it says: its arguments with their defaults, as variables, and its body."""
    if function is None:
        return ""
    arguments = Cursor(tokens(function.arguments)).parts()
    spans = [(part.tokens[0].offset, part.tokens[-1].offset + len(part.tokens[-1].text)) for part in arguments]
    declared = "; ".join(function.arguments[start:end] for start, end in spans)
    return f"DECLARE {declared}; {function.body or ''}"


class Writers:
    """Those of a deploy: `before` is the catalog that it finds."""

    def __init__(self, context: Context, before: Schema) -> None:
        self._context = context
        self._before = before
        self._changed = subtract(context.after, before)
        self._functions = {function.name: function for function in context.migrated.functions}
        self._was = {function.name: function for function in before.functions}
        self._bare = {table.name: table.bare_name.lower() for table in context.after.tables}
        usual = frozenset(table.name for table in context.after.tables if table.form != "foreign table")
        self._usual = usual - {rule.table for rule in context.after.rules}
        self._affected = self._tables() & self._usual
        self._triggers = [one for one in context.after.triggers if one.enabled not in ("disabled", "replica")]

    def _tables(self) -> frozenset[str]:
        """Those that were there and may refuse values now that they took."""
        before, after, changed = self._before, self._context.after, self._changed
        names = {rule.table for rule in changed.constraints if rule.form in _RULES}
        self._types = [each for each in after.types if each in changed.types or each.name in names]
        names |= {column.table for column in after.columns if self._asks_more(column)}
        above = {table.name: table.partition_of for table in (*after.tables, *before.tables) if table.partition_of}
        moved = {table.name for table in (*changed.tables, *subtract(before, after).tables)}
        return frozenset(names | {above[name] for name in moved & above.keys()})

    def _asks_more(self, column: Column) -> bool:
        """Whether it may refuse a value, or none, that it took."""
        if any(type_.is_type(column.type) for type_ in self._types):
            return True
        if column not in self._changed.columns:
            return False
        was = next((each for each in self._before.columns_of(column.table) if each.name == column.name), None)
        if was is None:
            return not column.null or column.generated is not None
        rules = [(each.type, each.null, each.generated, each.identity, each.default) for each in (was, column)]
        return rules[0] != rules[1]

    @cached_property
    def _loosening(self) -> frozenset[str]:
        """The bare names of the routines whose bodies do so."""
        return frozenset(one.bare_name for one in migrated_routines(self._context) if _LOOSENS.search(one.words))

    def may_be_new(self, writer: Writer) -> bool:
        """Whether its table has other rules for values than before, or what writes it says something else."""
        routine = writer.routine
        was = self._was.get(routine.function.name) if routine is not None else None
        is_changed = routine is not None and (was is None or was.body != routine.function.body)
        return writer.table in (self._usual if is_changed else self._affected)

    def of_routines(self) -> Iterator[Writer]:
        """In the order of the routines, and of the statements in each."""
        for routine in migrated_routines(self._context) if self._functions else ():
            if routine.language not in ("plpgsql", "sql"):
                continue
            was = self._was.get(routine.function.name)
            tables = self._affected if was is not None and was.body == routine.function.body else self._usual
            fires = [one for one in self._triggers if one.function == routine.signature]
            words = (routine.function.body or "").lower()
            own = sorted({one.table for one in fires if one.timing == "before"} & tables)
            if tables and (own or any(self._bare[name] in words for name in tables)):
                yield from self._of(routine, tables, own, fires)

    def _of(
        self, routine: Routine, tables: frozenset[str], own: Sequence[str], fires: Sequence[Trigger]
    ) -> Iterator[Writer]:
        loosened = self._loosened_from(routine)
        for text, start, line in _statements(routine):
            for write in read_writes(text):
                for table in own if write.kind == "NEW" else self._named(write, tables - self._made_by(routine)):
                    if options := self._options(table, write, routine, fires):
                        yield Writer(
                            table=table,
                            options=options,
                            routine=routine,
                            statement=text,
                            start=start,
                            line=line,
                            is_of_new=write.kind == "NEW",
                            is_loosened=loosened is not None and loosened <= (start or 0),
                        )

    def _loosened_from(self, routine: Routine) -> int | None:
        """Where in its body rules are taken away first; 0 in SQL, and where it is made with them off."""
        if "session_replication_role" in routine.definition.lower():
            return 0
        if routine.body is None:
            return 0 if self._loosens(routine.source) else None
        return next((each.start for each in routine.body.statements if self._loosens(each.text)), None)

    def _loosens(self, text: str) -> bool:
        """Whether it takes a rule away or puts one off, or calls a function that does."""
        words = text.lower()
        return _LOOSENS.search(words) is not None or any(names_in_code(words, name) for name in self._loosening)

    def of_others(self, jobs: Sequence[tuple[str, str]]) -> Iterator[Writer]:
        """Of rules, and of the commands of these jobs, by name."""
        rules = [(f"the rule {one.name}", one.name, one.definition) for one in self._context.after.rules]
        scheduled = [(f"the job {name}", f"cron.job {name}", command) for name, command in jobs]
        for called, subject, text in (*rules, *scheduled) if self._affected else ():
            match = _RULE_ACTION.match(text)
            action = match["action"].strip().rstrip(";") if match else text
            bare = action[1:-1] if action.startswith("(") and action.endswith(")") else action
            for each in split_statements(bare, refuse_psql=False):
                for write in read_writes(each.text):
                    for table in self._named(write, self._affected):
                        if options := self._options(table, write):
                            yield Writer(
                                table=table,
                                options=options,
                                statement=each.text,
                                other=Other(called=called, subject=subject),
                            )

    def _made_by(self, routine: Routine) -> frozenset[str]:
        """Those with the name of a table that it makes."""
        made = routine.made_tables
        return frozenset(name for name in self._usual if self._bare[name] in made or "%" in made)

    def of_defaults(self) -> Iterator[Writer]:
        """Each constant that a row has where nothing is said, of columns whose rules are others."""
        there = {table.name for table in self._before.tables}
        rules = [rule for rule in self._changed.constraints if rule.form in _RULES]
        for table in sorted(self._affected & there):
            for column in self._context.after.columns_of(table):
                constant = constant_of(tokens(column.default or ""))
                is_concerned = self._asks_more(column) or any(
                    rule.table == table and names_in_code(rule.definition or "", column.bare_name) for rule in rules
                )
                if constant not in (None, "NULL") and is_concerned and not self._is_set(table, column, "insert"):
                    yield Writer(table=table, options={column.bare_name: (DEFAULT,)})

    def _named(self, write: Write, tables: frozenset[str]) -> Sequence[str]:
        assert write.table is not None
        if write.table.schema:
            return [str(write.table)] if str(write.table) in tables else []
        alike = [table.name for table in self._context.after.tables if table.bare_name == write.table.name]
        return alike if len(alike) == 1 and alike[0] in tables else []

    def _options(
        self, table: str, write: Write, routine: Routine | None = None, fires: Sequence[Trigger] = ()
    ) -> dict[str, Sequence[str]]:
        """The constants that the row may have in each column, as far as nothing sets it to something else."""
        columns = sorted(self._context.after.columns_of(table), key=lambda column: column.position)
        names = [column.bare_name for column in columns]
        values = dict(zip(names, write.unnamed, strict=False)) if write.unnamed else write.values
        body = text_of(routine.function) if routine is not None else ""
        options: dict[str, Sequence[str]] = {}
        for column in columns:
            name = column.bare_name
            if column.generated or (write.kind != "NEW" and self._is_set(table, column, write.kind.lower())):
                continue
            if name in values:
                value = values[name]
                is_column = (
                    routine is not None and routine.language == "sql" and any(token.name in names for token in value[:1])
                )
                constants = _operations(value, fires) or constants_of(value, "" if is_column else body)
            else:
                constants = (DEFAULT,) if write.kind == "INSERT" else ()
            if constants and (DEFAULT not in constants or _has_constant_default(column)):
                options[name] = constants
        return options

    def _is_set(self, table: str, column: Column, event: str) -> bool:
        """Whether a trigger may give the row another value."""
        for trigger in self._triggers:
            if (trigger.table, trigger.timing, trigger.level) == (table, "before", "row") and event in trigger.events:
                function = self._functions.get(trigger.function)
                words = (function.body or "").lower() if function else " ".join(trigger.arguments).lower()
                if not words or column.bare_name.lower() in words or _CHANGES_NEW.search(words):
                    return True
        return False


def _statements(routine: Routine) -> Iterator[tuple[str, int | None, int | None]]:
    """Each statement whose refusal nothing handles, with its offset and line in PL/pgSQL."""
    if routine.language == "plpgsql":
        statements = routine.body.statements if routine.body else ()
        for number, statement in enumerate(statements):
            if lets_refusals_out(statement) and not _is_undone(number, statements):
                yield statement.text, statement.start, statement.line
        return
    text = routine.function.body or ""
    if match := _ATOMIC.match(text):
        text = match["statements"]
    for each in split_statements(text, refuse_psql=False):
        yield each.text, None, None


def lets_refusals_out(statement: BodyStatement) -> bool:
    """Whether a refusal of a value that it writes comes to whoever calls the body, and nothing asked is before it."""
    handled = statement.handled - (statement.raised_again & {"others"})
    return handled <= _OTHER_CONDITIONS and not any(map(ASKS_FIRST.search, statement.conditions))


def _is_undone(number: int, statements: Sequence[BodyStatement]) -> bool:
    """Whether a later statement that is always come to gives NEW another value in the same column."""
    statement, later = statements[number], statements[number + 1 :]
    names = {name for write in read_writes(statement.text) if write.kind == "NEW" for name in write.values}
    return bool(names) and any(
        len(other.conditions) < max(len(statement.conditions), 1)
        and names & {name for write in read_writes(other.text) if write.kind == "NEW" for name in write.values}
        for other in later
    )


def _operations(expression: Expression, fires: Sequence[Trigger]) -> tuple[str, ...]:
    """What TG_OP is, where it is that."""
    spell = _OPERATION.get(" ".join(token.upper for token in expression))
    events = dict.fromkeys(event for trigger in fires for event in trigger.events)
    return tuple(f"'{spell(event)}'" for event in events) if spell else ()


def _has_constant_default(column: Column) -> bool:
    if column.identity:
        return False
    return column.default is None or constant_of(tokens(column.default)) is not None
