"""Which function of those that a refused call went through brought the value that was refused, as a constant.

Who passes it on may be far from who writes it: an argument, a loop's array, a text that EXECUTE sends, a trigger's
argument. The value is taken from the server's words, and found again among what a body passes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pgcontract.model.sql import split_statements
from pgcontract.model.sql.lexer import tokens
from pgcontract.model.sql.passed_values import passed_values
from pgcontract.model.sql.plpgsql import BodyStatement
from pgcontract.model.sql.psql_arguments import quote_literal
from pgcontract.model.sql.token_cursor import Cursor
from pgcontract.model.sql.written_values import constant_of, read_writes
from pgcontract.patterns import lazy_pattern
from pgcontract.postgres.script_execution import Refusal
from pgcontract.probes.context import Context
from pgcontract.probes.executed.faults import Fault
from pgcontract.probes.executed.refused_runs import RefusedRun
from pgcontract.probes.executed.routines import Routine
from pgcontract.probes.executed.written_constants import Writer, lets_refusals_out, text_of
from pgcontract.probes.script_words import names_in_code

_CHECK: Final = "23514"
_FAILING_ROW: Final = lazy_pattern(r"Failing row contains \((?P<values>.*)\)\.")
_FAILING_KEY: Final = lazy_pattern(r"Key \((?P<columns>.*?)\)=\((?P<values>.*)\) is not present")
_BETWEEN: Final = ", "
_RECKONS: Final = ("+", "-", "*", "/", "%")


def passed_writers(context: Context, runs: Sequence[RefusedRun]) -> Iterator[Writer]:
    """Those of them whose values stand in a body, in the order of the runs."""
    for run in runs:
        if run.alone is not None and not lets_refusals_out(run.alone):
            continue
        values = refused_values(context, run.refusal)
        known = {name: value for name, value in values.items() if value is not None}
        if not values:
            yield from _argument_writers(context, run)
        elif known.keys() == values.keys() and (fault := _bringer(context, run, known)) is not None:
            assert run.refusal.table_name is not None
            texts = {name: quote_literal(value) for name, value in known.items()}
            yield _writer(run, fault, run.refusal.table_name, texts, next(iter(known.values())))


def refused_values(context: Context, refusal: Refusal) -> Mapping[str, str | None]:
    """What the server says stands in the columns that the refusal is about, by bare name; None for a NULL, and none at
    all where it does not say."""
    table, detail = refusal.table_name or "", refusal.detail or ""
    if refusal.sqlstate == _CHECK and (match := _FAILING_ROW.match(detail)):
        names = [one.bare_name for one in sorted(context.after.columns_of(table), key=lambda one: one.position)]
        rules = [one for one in context.after.constraints if one.table == table and one.bare_name == refusal.constraint]
        about = [name for name in names if any(names_in_code(rule.definition or "", name) for rule in rules)]
    elif match := _FAILING_KEY.match(detail):
        names = about = match["columns"].split(_BETWEEN)
    else:
        return {}
    values = match["values"].split(_BETWEEN)
    if len(values) != len(names):
        return {}
    said = {name: None if value == "null" else value for name, value in zip(names, values, strict=True)}
    return {name: said[name] for name in about}


def _bringer(context: Context, run: RefusedRun, values: Mapping[str, str]) -> Fault | None:
    """The innermost of its functions that passes all of them on, where none comes from what we called it with, or is
    reckoned."""
    wanted = frozenset(values.values())
    if run.alone is None and wanted & passed_values(run.statement):
        return None
    for write in (write for text, _ in statements_at(run.stack[0]) for write in read_writes(text)):
        if any(token.text in _RECKONS for name in values for token in write.values.get(name, ())[1:]):
            return None
    return next((fault for fault in run.stack if wanted <= constants_of_routine(context, fault.routine)), None)


def constants_of_routine(context: Context, routine: Routine) -> frozenset[str]:
    """What it passes on: of its body, of the triggers that fire it, and the names of their events."""
    constants = passed_values(text_of(routine.function))
    fires = [trigger for trigger in context.after.triggers if trigger.function == routine.signature]
    for trigger in fires:
        constants |= {*trigger.arguments}
        if "tg_op" in routine.words:
            constants |= {word for event in trigger.events for word in (event.upper(), event.lower())}
    return constants


def _argument_writers(context: Context, run: RefusedRun) -> Iterator[Writer]:
    """Of a refusal without a value: the constants that the innermost function was called with and writes as they came."""
    if len(run.stack) < 2 or run.alone is not None:
        return
    inner, outer = run.stack[:2]
    parts = [part.tokens for part in Cursor(tokens(inner.routine.arguments)).parts()]
    names = [part[1 if part[0].upper in ("IN", "INOUT", "VARIADIC") else 0].name for part in parts if len(part) > 1]
    for write in (write for text, _ in statements_at(inner) for write in read_writes(text)):
        if write.table is None:
            continue
        tables = [one.name for one in context.after.tables if one.bare_name == write.table.name]
        schema = write.table.schema
        tables = [name for name in tables if not schema or name == str(write.table)]
        values: dict[str, str] = {}
        for column, expression in write.values.items():
            name = expression[-1].name if len(expression) in (1, 3) else ""
            if name not in names or f"{name} :=" in inner.routine.words:
                continue
            given = (_argument(text, inner.routine, name, names.index(name)) for text, _ in statements_at(outer))
            if (constant := next((value for value in given if value is not None), None)) is not None:
                values[column] = constant
        if run.refusal.column_name:
            values = {name: value for name, value in values.items() if (name, value) == (run.refusal.column_name, "NULL")}
        if values and len(tables) == 1:
            yield _writer(run, outer, tables[0], values, inner.routine.bare_name)


def _argument(text: str, callee: Routine, name: str, place: int) -> str | None:
    """The constant that a call in the text gives this argument."""
    cursor = Cursor(tokens(text))
    while cursor:
        token = cursor.next()
        if token.name != callee.bare_name or cursor.peek() != "(":
            continue
        given = list(cursor.group().parts())
        for number, part in enumerate(given):
            if part.peek(1) in ("=>", ":="):
                if part.tokens[0].name == name:
                    return constant_of(part.tokens[2:])
            elif number == place:
                return constant_of(part.tokens)
    return None


def statements_at(fault: Fault) -> list[tuple[str, BodyStatement | None]]:
    """The statements where the server was in the function: of its line, or all in SQL."""
    routine = fault.routine
    if routine.body is not None:
        return [(each.text, each) for each in routine.body.statements if fault.line in (None, each.line)]
    if routine.language == "plpgsql":
        return []
    return [(each.text, None) for each in split_statements(routine.source, refuse_psql=False)]


def _writer(run: RefusedRun, fault: Fault, table: str, values: Mapping[str, str], word: str) -> Writer:
    there = statements_at(fault) or [("", None)]
    showing = (each for each in there if word in passed_values(each[0]) or names_in_code(each[0], word))
    text, statement = next(showing, there[0])
    return Writer(
        table=table,
        options={name: (value,) for name, value in values.items()},
        routine=fault.routine,
        statement=" ".join(text.split()),
        start=statement.start if statement is not None else None,
        line=fault.line,
        call=None if run.alone is not None else (run.statement, run.refusal),
        is_passed=True,
        is_anothers=fault is not run.stack[0],
    )
