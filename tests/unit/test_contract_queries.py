"""Every mistake in a query is told when the contract is read, with its line and the nearest known word."""

from __future__ import annotations

from pathlib import Path

from case_tables import cases
from pgcontract.contract import Budget, Query, QueryParameter, load_project
from refusals import contract_error
from written_files import write_files

HEAD = """migration = "001_t.sql"
[table."public.t"]
primary_key = ["id"]
columns.id = { type = "integer" }
columns.email = { type = "text" }
indexes.t_email = { keys = ["email"] }
"""
QUERY = '[query.by_email]\nsql = "SELECT FROM t WHERE email = %(email)s"\n'
EMAIL = 'parameters.email = { column = "public.t.email" }\n'


def contract_of(folder: Path, contract: str) -> Path:
    files = {"migrations/001_t.sql": "", "contracts/001_t/contract.toml": HEAD + contract}
    return write_files(folder, files) / "contracts/001_t/contract.toml"


def test_a_query_is_read_as_it_is_written(tmp_path: Path) -> None:
    contract_of(
        tmp_path,
        '[query.by_email]\npurpose = "A user\'s rows"\n'
        'sql = "SELECT FROM t WHERE email = %(email)s AND id > %(after)s AND id %% %(of)s = 0"\n'
        'parameters.of = { expression = "n % 5 + 1" }\n'
        'parameters.email = { column = "public.t.email", pick = "values", miss_ratio = 0.1, type = "text" }\n'
        "parameters.after = { values = [1, 2] }\n"
        'index = "public.t_email"\ngrowth = "O(rows)"\nbudget = { buffers = 12, ms = 5 }\n',
    )
    contract = load_project(tmp_path).head.contract
    query = Query(
        name="by_email",
        sql="SELECT FROM t WHERE email = %(email)s AND id > %(after)s AND id %% %(of)s = 0",
        parameters=(
            QueryParameter(name="email", column="public.t.email", pick="values", miss_ratio=0.1, type="text"),
            QueryParameter(name="after", values=(1, 2)),
            QueryParameter(name="of", expression="n % 5 + 1"),
        ),
        index="public.t_email",
        growth="O(rows)",
        budget=Budget(buffers=12, ms=5.0),
        purpose="A user's rows",
    )

    assert (query,) == (contract.of(Query) if contract else ())


def test_the_index_may_be_one_that_a_constraint_implies(tmp_path: Path) -> None:
    contract_of(tmp_path, '[query.all]\nsql = "SELECT FROM t WHERE id = 1"\nindex = "public.t_pkey"\n')
    contract = load_project(tmp_path).head.contract

    assert ["public.t_pkey"] == [query.index for query in contract.of(Query)] if contract else []


@cases(("contract", "expected"), {
    "a parameter without a source": (QUERY,
        "contract.toml:8: query.by_email.sql: the parameter %(email)s has no source; "
        'add parameters.email = { column = "public.orders.id" }, or `values`, or `expression`'),
    "an empty source": (QUERY + "parameters.email = { miss_ratio = 0.1 }\n",
        "contract.toml:9: query.by_email.parameters.email: a parameter has one source, and this has none; "
        "give `column`, `values` or `expression`\n"
        "contract.toml:9: query.by_email.parameters.email.miss_ratio: `miss_ratio` is of values that are "
        "drawn from a `column`; take it out"),
    "two sources": (QUERY + EMAIL.replace("}", ', values = ["a"] }'),
        "contract.toml:9: query.by_email.parameters.email: a parameter has one source, and this has `column` and "
        "`values`; give `column`, `values` or `expression`"),
    "a source that nobody uses": (QUERY + EMAIL + EMAIL.replace("parameters.email", "parameters.emial"),
        "contract.toml:10: query.by_email.parameters.emial: the SQL has no %(emial)s; did you mean `email`?"),
    "column": (QUERY + EMAIL.replace("t.email", "t.emial"),
        "contract.toml:9: query.by_email.parameters.email.column: no column public.t.emial is declared; "
        "did you mean `public.t.email`?"),
    "index": (QUERY + EMAIL + 'index = "public.t_emial"\n',
        "contract.toml:10: query.by_email.index: no index public.t_emial is declared; did you mean `public.t_email`?"),
    "growth": (QUERY + EMAIL + 'growth = "O(log)"\n',
        "contract.toml:10: query.by_email.growth: the text 'O(log)' is not known; did you mean `O(log n)`?"),
    "budget": (QUERY + EMAIL + "budget = { pages = 1 }\n",
        "contract.toml:10: `pages` is not known in query.by_email.budget; known here: buffers, round_trips, ms"),
    "a query that writes": ('[query.out]\nsql = "-- all\\nDELETE FROM t"\n',
        "contract.toml:8: query.out.sql: this is no query, it begins with DELETE; "
        "write a SELECT; what the application writes is a step of a [flow]"),
    "a stray percent sign": ('[query.few]\nsql = "SELECT FROM t WHERE id % 2 = 0"\n',
        "contract.toml:8: query.few.sql: `% 2 = 0` begins no parameter; "
        "write %(name)s for a parameter and %% for a percent sign"),
})  # fmt: skip
def test_a_mistake_is_told_with_its_place(tmp_path: Path, contract: str, expected: str) -> None:
    assert expected == contract_error(tmp_path, HEAD + contract)
