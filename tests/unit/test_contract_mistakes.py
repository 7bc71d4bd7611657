"""Every mistake in a file an owner writes is told once, with file, line, key and the nearest known word."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from case_tables import cases
from pgcontract.contract import load_project
from pgcontract.errors import ContractError
from refusals import refusal

Load = Callable[..., str]


@pytest.fixture
def told(tmp_path: Path) -> Load:
    """What is said of these files, without the folder they are in; a contract names its migration on line 1."""

    def load(
        contract: str | bytes = "", claims: str = "", project: str = "", first: str = 'migration = "001_t.sql"\n'
    ) -> str:
        folder = tmp_path / "contracts" / "001_t"
        folder.mkdir(parents=True)
        (tmp_path / "migrations").mkdir()
        (tmp_path / "migrations" / "001_t.sql").touch()
        text = contract if isinstance(contract, bytes) else contract.encode()
        (folder / "contract.toml").write_bytes(first.encode() + text)
        (folder / "claims.toml").write_text(claims, encoding="utf-8")
        (tmp_path / "pgcontract.toml").write_text(project, encoding="utf-8")
        said = refusal(load_project, tmp_path, error=ContractError)
        return said.replace(f"{tmp_path}/contracts/001_t/", "").replace(f"{tmp_path}/", "")

    return load


TABLE = '[table."public.t"]\ncolumns.id = { type = "integer" }\n'
QUERY = '[[verification]]\nid = "Q1"\ndescription = "x"\nsql = "x"\n'


@cases(("contract", "expected"), {
    "a text that would be cut off": (QUERY.replace('sql = "x"\n', r"sql = " + r'"SELECT \u0000 FROM t"' + "\n"),
        r"5: \u0000 is a character that PostgreSQL has in no text; remove it"),
    "deep arrays": ("x = " + "[" * 5000 + "]" * 5000, " tables or arrays stand too deep within each other"),
    "a key without end": ('"a" . ' + "a." * 50_000 + "a = 1",
        "2: a key of more than 50 parts is read by nobody; mend the line"),
    "unknown key": (TABLE + "primary_keys = ['id']",
        '4: `primary_keys` is not known in table."public.t"; did you mean `primary_key`?'),
    "unknown key with nothing near": ("[document]\ncolour = 'red'",
        "3: `colour` is not known in document; known here: title, date, status, purpose, owner"),
    "unknown table": ("[tabel.x]", "2: `tabel` is not known at the top of the file; did you mean `table`?"),
    "text for a truth value": (TABLE + "columns.a = { type = 'text', null = 'no' }",
        "4: table.\"public.t\".columns.a.null: expected true or false, found the text 'no'"),
    "number for a text": (TABLE + "columns.a = { type = 'text', default = 0 }",
        '4: table."public.t".columns.a.default: expected a text in quotes, found the number 0'),
    "text for a list": (TABLE + "indexes.i = { keys = 'id' }",
        "4: table.\"public.t\".indexes.i.keys: expected a list in square brackets, found the text 'id'"),
    "list for a table": (TABLE + "indexes.i = [\n  'id'\n]",
        '4: table."public.t".indexes.i: expected a table of keys, found a list'),
    "number in the short form of a primary key": (TABLE + "primary_key = [\n  'id',\n  1,\n]",
        '4: table."public.t".primary_key.columns[2]: expected a text in quotes, found the number 1'),
    "number out of range": (TABLE + "row_count = -1",
        '4: table."public.t".row_count: -1 is out of range; ' "How many rows the migration leaves in it. Default: 0."),
    "unknown word": (TABLE + "grants.anon = ['selekt']",
        "4: table.\"public.t\".grants.anon[1]: the text 'selekt' is not known; did you mean `select`?"),
    "date in quotes": ('[[waiver]]\ncheck = "x"\nreason = "r"\nowner = "o"\nuntil = "2026-12-31"',
        "6: waiver[1].until: expected a date without quotes, as in 2026-12-31, found the text '2026-12-31'"),
    "missing key": ('[[waiver]]\ncheck = "x"\nreason = "r"\nuntil = 2026-12-31',
        "2: `owner` is missing in waiver[1]: Who answers for it."),
    "checksum of another length": ("[file]\nsha256 = 'abc'",
        "3: file.sha256: the text 'abc' has not the right form. Its SHA-256, in 64 hexadecimal digits."),
    "name without schema": ("[table.t]", "2: table.t: 't' has no schema; write public.t"),
    "referenced name without schema": (TABLE + "foreign_keys.f = { columns = ['id'], references = 'u' }",
        "4: table.\"public.t\".foreign_keys.f.references: 'u' has no schema; write public.u"),
    "capital letters": (TABLE + "columns.createdAt = { type = 'text' }",
        "4: table.\"public.t\".columns.createdAt: 'createdAt' has capital letters, which SQL reads as "
        "'createdat' unless quoted; write '\"createdAt\"', or all in lower case"),
    "blank in a name": (TABLE + "columns.'first name' = { type = 'text' }",
        '4: table."public.t".columns."first name": \'first name\' is no name in SQL; '
        "in double quotes it is one: '\"first name\"'"),
    "function without brackets": ('[function."public.f"]',
        "2: function.\"public.f\": 'public.f' has no argument types; "
        "write them in brackets, as in public.set_updated_at()"),
    "one name in two spellings": (TABLE + "columns.order = { type = 'text' }\ncolumns.'\"order\"' = { type = 'text' }",
        '5: table."public.t".columns.\'"order"\' is declared twice, in two spellings of "order"'),
    "column without type": (TABLE + "columns.a = { null = false }", "4: column public.t.a has no `type`"),
    "serial": (TABLE + "columns.a = { type = 'serial' }",
        "4: column public.t.a: serial is short for three things, and no type the server keeps; "
        'write type = "integer", null = false, default = "nextval(\'public.t_a_seq\'::regclass)", '
        'and [sequence."public.t_a_seq"] with type = "integer", owned_by = "public.t.a"'),
    "trigger without timing": (TABLE + "triggers.x = { function = 'public.f()' }",
        "4: trigger public.t.x has no `timing` and no `events`"),
    "constraint on no column": (TABLE + "uniques.u = { columns = ['idd'] }",
        "4: constraint public.t.u: public.t has no column idd; did you mean `id`?"),
    "index without keys": (TABLE + "indexes.i = { unique = true }", "4: index public.i has no keys"),
    "example on both sides": (TABLE + "checks.c = { expression = 'id > 0', accept = [1, 2], reject = [2] }",
        "4: check c is to accept and to reject the same {'id': 2}; take it out of one"),
    "bare value for two columns": (
        TABLE + "columns.a = { type = 'integer' }\nchecks.c = { expression = 'id > a', accept = [1] }",
        "5: check c, accept: which column is 1 for? "
        'write column = "...", or whole rows as { email = "ann@example.com" }'),
    "example of no column": (TABLE + "checks.c = { expression = 'id > 0', reject = [{ idd = 1 }] }",
        "4: check c, reject: public.t has no column idd; did you mean `id`?"),
    "nothing to remove": (TABLE + "removed = true",
        "2: public.t is not declared before this, so it cannot be removed; there is none"),
    "one id for two queries": (QUERY + QUERY, "7: verification[2].id: Q1 is there twice; give each its own id"),
    "after a query that is not there": (QUERY + QUERY.replace("Q1", "Q2") + 'after = "Q3"',
        "10: verification[2].after: 'Q3' is no query above Q2; known here: Q1"),
    "no TOML": ("x = ", "2: this is not TOML: Invalid value. Mend the line"),
    "one key twice": ("accepted = true\naccepted = true",
        "3: this is not TOML: Cannot overwrite a value, since what this line names is there already. Mend the line"),
    "open to the end": ("x = '''\n\n", "4: this is not TOML: Expected \"'''\". Mend the line"),
    "another encoding": (b"\n\xff", "3: this is not UTF-8 text; save it as UTF-8"),
})  # fmt: skip
def test_mistakes_in_a_contract(contract: str | bytes, expected: str, told: Load) -> None:
    assert f"contract.toml:{expected}" == told(contract)


@cases(("claims", "expected"), {
    "one id twice": (
        '[[claim]]\nid = "A"\ndescription = "x"\nchecks = ["c.d"]\n[[claim]]\nid = "A"\ndescription = "x"\nchecks = '
        '["c.d"]', "5: claim A is there twice, first on line 1"),
    "no check": ('[[claim]]\nid = "A"\ndescription = "x"',
        "1: claim A names no check; list its `checks`, or say why in `untestable` or `pending`"),
    "untestable and pending": ('[[claim]]\nid = "A"\ndescription = "x"\nuntestable = "x"\npending = "y"',
        "1: claim A is both untestable and pending; keep one of the two"),
    "no reference": ('[[claim]]\nid = "A"\ndescription = "x"\nchecks = [\n  "c.d",\n  "c.d[",\n]',
        "6: claim[1].checks[2]: the text 'c.d[' has not the right form. "
        "The checks that decide it, each by its whole id, `check.id` or `check.id[subject]`; in the brackets * and ? "
        "stand for anything."),
    "empty statement": ('[[claim]]\nid = "A"\ndescription = ""\nchecks = ["c.d"]',
        "3: claim[1].description is empty; What it says, in our words."),
    "unknown section": ('[[claim]]\nid = "A"\nsection = "index"\ndescription = "x"\nchecks = ["c.d"]',
        "3: claim A: the report has no section 'index'; did you mean `indexes`?"),
})  # fmt: skip
def test_mistakes_in_claims(claims: str, expected: str, told: Load) -> None:
    assert f"claims.toml:{expected}" == told(claims=claims)


def test_mistakes_in_the_project_file(told: Load) -> None:
    expected = "pgcontract.toml:2: production.platform: the text 'supabse' is not known; did you mean `supabase`?"

    assert expected == told(project='[production]\nplatform = "supabse"')


def test_a_contract_names_its_migration(told: Load) -> None:
    expected = (
        "contract.toml:1: `migration` is missing at the top of the file: "
        "The file it is about, in ../../migrations, as in 020_orders.sql."
    )

    assert expected == told(first="")


def test_all_mistakes_are_told_in_the_order_of_their_lines(told: Load) -> None:
    expected = "\n".join(
        [
            "contract.toml:2: table.t: 't' has no schema; write public.t",
            "contract.toml:4: `nul` is not known in table.t.columns.a; did you mean `null`?",
            "contract.toml:6: `colour` is not known in file; known here: lines, sha256",
        ]
    )

    assert expected == told("[table.t]\n[table.t.columns.a]\nnul = true\n[file]\ncolour = 1")


def test_a_byte_order_mark_and_windows_lines_are_fine(tmp_path: Path) -> None:
    (tmp_path / "1.sql").touch()
    (tmp_path / "1.contract.toml").write_bytes('\ufeffmigration = "1.sql"\r\naccepted = false\r\n'.encode())
    contract = load_project(tmp_path).head.contract

    assert contract is not None
    assert not contract.accepted
