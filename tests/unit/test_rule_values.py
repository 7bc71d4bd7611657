"""What is tried of a column because a rule's text speaks of it, by the column's type."""

from __future__ import annotations

import pytest
from pgcontract.model.schema import Column, Schema
from pgcontract.probes.rows.column_values import rule_values
from pgcontract.probes.rows.rule_texts import RuleTexts


@pytest.mark.parametrize(("type_name", "text", "value"), [
    ("text[]", "'force' = ANY (x)", '{"force"}'),
    ("integer[]", "cardinality(x) > 2", "{1,1,1}"),
    ("jsonb", "x -> 'admin' ->> 'force' = 'yes'", '{"admin": {"force": "yes"}}'),
    ("jsonb", "x['admin']['force'] = 'true'", '{"admin": {"force": true}}'),
    ("jsonb", "x #>> '{admin,force}' = 'yes'", '{"admin": {"force": "yes"}}'),
    ("jsonb", "(x ->> 'amount')::integer > 500", '{"amount": 501}'),
    ("numeric(6,2)", "x > 9999", "9999.01"),
    ("numeric", "x > 1 AND x < 2", "1.1"),
    ("interval", "x > '1 year'", "1 year 1 second"),
    ("int4range", "x @> 42", "[42,42]"),
    ("inet", "x << '10.0.0.0/8'", "10.0.0.0"),
    ("time without time zone", "x > '22:00'", "23:59:59"),
    ("text", "x SIMILAR TO '(force|revive)'", "force"),
])  # fmt: skip
def test_a_value_that_turns_the_rule_is_tried(type_name: str, text: str, value: str) -> None:
    column = Column(table="public.t", name="public.t.x", position=1, type=type_name)

    assert value in rule_values(RuleTexts((text,)), Schema(), column, None)
