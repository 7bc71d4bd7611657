"""Whether a trigger may decide what an INSERT stores in a column: then only what was really written tells."""

from __future__ import annotations

import re
from typing import Final

from pgcontract.model.schema import Column, Schema, Trigger
from pgcontract.probes.rows.rule_texts import RuleTexts, read_rule_texts

# NEW as a whole, given to a function or compared; RETURN NEW only passes it on.
_WHOLE_ROW: Final = re.compile(r"(?<!RETURN )(?<!RETURN\n)\bNEW\b(?!\s*\.\s*[\w\"])", re.IGNORECASE)
_READABLE: Final = ("plpgsql", "sql")


def trigger_texts(schema: Schema, table: str) -> RuleTexts:
    """What the triggers and rules of a table and of its family say: no CHECK, default or index."""
    rules = read_rule_texts(schema, table)
    return RuleTexts(tuple(text for text in rules.texts if text not in rules.checks), columns=rules.columns)


def trigger_may_decide(schema: Schema, column: Column) -> bool:
    """False where every trigger of an INSERT is seen to look at other columns only. One whose body cannot be read may
    decide, as one may that hands over the whole row, runs made-up statements or reads all rows of the statement."""
    table = column.table
    texts = trigger_texts(schema, table)
    if any(_reads(text, column.bare_name, texts) for text in texts.texts):
        return True
    bodies = {function.name: function for function in schema.functions}
    family = {table, *(one.name for one in schema.tables if one.partition_of or one.inherits)}

    def is_unreadable(trigger: Trigger) -> bool:
        function = bodies.get(trigger.function)
        return function is None or function.language not in _READABLE or trigger.new_table is not None

    return any(
        is_unreadable(trigger)
        for trigger in schema.triggers
        if trigger.table in family and "insert" in trigger.events and trigger.enabled in ("origin", "always")
    )


def _reads(text: str, column: str, texts: RuleTexts) -> bool:
    names_column = column in texts.columns and bool(RuleTexts((text,), columns=texts.columns).of_column(column).texts)
    return (
        names_column or _WHOLE_ROW.search(text) is not None or re.search(r"\bEXECUTE\b", text, re.IGNORECASE) is not None
    )
