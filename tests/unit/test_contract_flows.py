"""Every mistake in a flow or a race is told when the contract is read, with its line and the nearest known word."""

from __future__ import annotations

from pathlib import Path

from case_tables import cases
from refusals import contract_error

HEAD = 'migration = "001_t.sql"\n[table."public.t"]\ncolumns.id = { type = "integer" }\n'
FLOW = '[flow.sale]\ntable = "public.t"\nvalues = { seat = 1 }\n'
BOOK = '[[flow.sale.step]]\nname = "book"\nsql = "INSERT INTO t VALUES (%(seat)s) RETURNING id"\ncaptures = ["id"]\n'
RACE = '[race.sale]\ntable = "public.t"\ndescription = "x"\nviolations = "SELECT"\n'


@cases(("contract", "expected"), {
    "table": (FLOW.replace("public.t", "public.tt") + BOOK,
        "5: flow.sale.table: no table public.tt is declared; did you mean `public.t`?"),
    "two steps of one name": (FLOW + BOOK + BOOK,
        "12: flow.sale.step[2].name: the step 'book' is there twice; give each its own name"),
    "a step that is not there": (FLOW + BOOK + BOOK.replace("book", "pay") + 'after = ["boök"]',
        "15: flow.sale.step[2].after[1]: 'boök' is no step above 'pay'; did you mean `book`?"),
    "a step that comes later": (FLOW + BOOK.replace('"book"', '"book"\nafter = ["pay"]') + BOOK.replace("book", "pay"),
        "9: flow.sale.step[1].after[1]: 'pay' is no step above 'book'; there is none"),
    "claims without value": (FLOW + BOOK + 'as = "app"\nclaims = { app_metadata = { seats = ["%(saet)s"] } }\n',
        "12: flow.sale.step[1].claims.app_metadata: the parameter %(saet)s has no value here; did you mean `seat`?"),
    "a verification that commits": (
        '[[verification]]\nid = "V1"\ndescription = "x"\nsql = "SELECT 1; COMMIT; SELECT 2"\n',
        "7: verification[1].sql: COMMIT is about the transaction, which is ours to begin and to end; take it out"),
    "a later statement that ends the transaction": (FLOW + BOOK.replace("RETURNING id", "RETURNING id; ROLLBACK"),
        "9: flow.sale.step[1].sql: ROLLBACK is about the transaction, which is ours to begin and to end; take it out"),
    "a parameter without value": (FLOW + BOOK.replace("%(seat)s", "%(saet)s"),
        "9: flow.sale.step[1].sql: the parameter %(saet)s has no value here; did you mean `seat`?"),
    "a value of a step that need not have been": (
        FLOW + BOOK + '[[flow.sale.step]]\nname = "pay"\nsql = "DELETE FROM t WHERE id = %(id)s"',
        "13: flow.sale.step[2].sql: %(id)s is captured by 'book'; name that step in `after`"),
    "the id of an event where there is none": (FLOW + BOOK.replace("%(seat)s", "%(event)s"),
        "9: flow.sale.step[1].sql: the parameter %(event)s has no value here; known here: seat, actor"),
    "a stray percent sign": (FLOW + BOOK.replace("RETURNING id", "RETURNING id % 2"),
        "9: flow.sale.step[1].sql: `% 2` begins no parameter; write %(name)s for a parameter and %% for a percent sign"),
    "a value that is given": (FLOW.replace("seat", "actor") + BOOK.replace("seat", "actor"),
        "6: flow.sale.values.actor: every step has %(actor)s already; choose another name"),
    "an invariant that is no query": (
        FLOW + BOOK + '[flow.sale.invariant.one]\ndescription = "x"\nviolations = "-- all\\nDELETE FROM t"',
        "13: flow.sale.invariant.one.violations: this is no query, it begins with DELETE; "
        "write a SELECT that gives the rows that must not be there"),
    "an empty query": (FLOW + BOOK + 'violations = "-- nothing"',
        "11: flow.sale.step[1].violations: this is no query, it is empty; "
        "write a SELECT that gives the rows that must not be there"),
    "an invariant with a parameter": (
        FLOW + BOOK + '[flow.sale.invariant.one]\ndescription = "x"\nviolations = "SELECT FROM t WHERE id = %(id)s"',
        "13: flow.sale.invariant.one.violations: a query over all that was played has no %(id)s; "
        "compare with a column of pgcontract_log"),
    "a step that ends the transaction": (FLOW + BOOK + '[[flow.sale.step]]\nname = "end"\nsql = "COMMIT"',
        "13: flow.sale.step[2].sql: COMMIT is about the transaction, which is ours to begin and to end; take it out"),
    "no steps": (FLOW, "4: `step` is missing in flow.sale: The steps, in the order of a life without surprises."),
    "a race's parameter that is kept too late": (RACE + '[[race.sale.step]]\nsql = "SELECT %(id)s"\ncaptures = ["id"]',
        "9: race.sale.step[1].sql: the parameter %(id)s has no value here; known here: session"),
    "a session that is not there": (RACE + '[[race.sale.step]]\nsql = "SELECT"\nonly = 3',
        "10: race.sale.step[1].only: there is no session 3; there are 2"),
    "a race that asks no query": (
        RACE.replace('"SELECT"', '"UPDATE t SET id = 1"') + '[[race.sale.step]]\nsql = "SELECT"',
        "7: race.sale.violations: this is no query, it begins with UPDATE; "
        "write a SELECT that gives the rows that must not be there"),
    "a level that is not there": (RACE + 'isolation_levels = ["serialisable"]\n[[race.sale.step]]\nsql = "SELECT"',
        "8: race.sale.isolation_levels[1]: the text 'serialisable' is not known; did you mean `serializable`?"),
})  # fmt: skip
def test_a_mistake_is_told_with_its_place(tmp_path: Path, contract: str, expected: str) -> None:
    assert f"contract.toml:{expected}" == contract_error(tmp_path, HEAD + contract)
