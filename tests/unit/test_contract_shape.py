"""What an owner writes in a few words is the part that PostgreSQL makes of them."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from case_tables import cases
from pgcontract.contract import Contract, Examples, load_project, sections
from pgcontract.contract.documents import ContractSpec
from pgcontract.contract.inheritance import kinds
from pgcontract.contract.sections import SECTIONS
from pgcontract.contract.validation_errors import keys_at
from pgcontract.model.schema import (
    Column,
    Constraint,
    Grant,
    Index,
    Origin,
    Part,
    Policy,
    Rows,
    Schema,
    Sequence,
    Table,
    Trigger,
    Type,
    View,
)


def _contract(folder: Path, text: str) -> Contract:
    (folder / "1_t.sql").touch()
    (folder / "1_t.contract.toml").write_text(f'migration = "1_t.sql"\n{text}', encoding="utf-8")
    contract = load_project(folder).head.contract
    assert contract is not None
    return contract


def _table(folder: Path, *lines: str) -> Contract:
    return _contract(folder, '[table."public.t"]\ncolumns.id = { type = "integer" }\n' + "\n".join(lines))


def _constraint(name: str, form: str, definition: str, **state: Any) -> Constraint:
    return Constraint(name=f"public.t.{name}", table="public.t", form=form, definition=definition, **state)


def _index(name: str, *keys: str, **more: Any) -> Index:
    return Index(name=f"public.{name}", table="public.t", keys=keys, **more)


@cases(("line", "expected"), {
    "primary key": ("primary_key = ['id']", _constraint("t_pkey", "primary key", "PRIMARY KEY (id)")),
    "index of the primary key": ("primary_key = ['id']",
        _index("t_pkey", "id", unique=True, constraint="primary key public.t.t_pkey")),
    "no null in the primary key": ("primary_key = ['id']",
        Column(name="public.t.id", table="public.t", position=1, type="integer", null=False)),
    "primary key with a name": ("primary_key = { name = 'pk', columns = ['id'], include = ['a', 'b'] }\n"
        "columns.a = { type = 'text' }\ncolumns.b = { type = 'text' }",
        _constraint("pk", "primary key", "PRIMARY KEY (id) INCLUDE (a, b)")),
    "unique": ("uniques.u = { columns = ['id'], nulls_not_distinct = true, deferrable = true }",
        _constraint("u", "unique", "UNIQUE NULLS NOT DISTINCT (id)", deferrable=True)),
    "index of a unique constraint": ("uniques.u = { columns = ['id'], nulls_not_distinct = true }",
        _index("u", "id", unique=True, nulls_not_distinct=True, constraint="unique public.t.u")),
    "index of a unique constraint, restated": (
        "uniques.u = { columns = ['id'] }\nindexes.u = { options = ['fillfactor=50'] }",
        _index("u", "id", unique=True, constraint="unique public.t.u", options=("fillfactor=50",))),
    "foreign key": ("foreign_keys.f = { columns = ['id'], references = 'public.user', to = ['order'], match = 'full', "
        "on_delete = 'set null', on_update = 'no action' }",
        _constraint(
            "f", "foreign key", 'FOREIGN KEY (id) REFERENCES public."user"("order") MATCH FULL ON DELETE SET NULL'
        )),
    "index of an exclusion": (
        "excludes.e = { definition = 'EXCLUDE USING gist (a WITH =, f(a, b) WITH &&) WHERE ((a > 0))' }",
        _index("e", "a", "f(a, b)", method="gist", predicate="(a > 0)", constraint="exclude public.t.e")),
    "index of a temporal key": (
        "constraints.c = { form = 'primary key', definition = 'PRIMARY KEY (id, at WITHOUT OVERLAPS)' }",
        _index("c", "id", "at", method="gist", unique=True, constraint="primary key public.t.c")),
    "check": ("checks.positive = { expression = 'id > 0', validated = false }",
        _constraint("positive", "check", "CHECK (id > 0)", validated=False)),
    "index": ("indexes.i = { keys = ['lower(a) DESC'], include = ['id'], predicate = 'id > 0' }",
        _index("i", "lower(a) DESC", include=("id",), predicate="id > 0")),
    "trigger": ("triggers.x = { timing = 'before', events = ['update'], level = 'row', function = 'public.f()' }",
        Trigger(
            name="public.t.x",
            table="public.t",
            timing="before",
            events=("update",),
            level="row",
            function="public.f()",
        )),
    "policy": ("policies.own = { roles = ['user'], using = 'true' }",
        Policy(name="public.t.own", table="public.t", roles=('"user"',), using="true")),
    "grants": ("grants.anon = ['update', 'select with grant option']",
        Grant(
            name="table public.t to anon",
            on="table public.t",
            grantee="anon",
            privileges=("select with grant option", "update"),
        )),
    "rows": ("row_count = 3", Rows(name="public.t", rows=3)),
    "sequence of an identity column": ("columns.n = { type = 'int', identity = 'always' }",
        Sequence(name="public.t_n_seq", type="integer", maximum=2147483647, owned_by="public.t.n", identity=True)),
    "sequence of an identity column under another name": ("columns.n = { type = 'bigint', identity = 'always' }\n"
        "[sequence.'public.older']\nowned_by = 'public.t.n'\nidentity = true\nincrement = -1",
        Sequence(
            name="public.older",
            increment=-1,
            start=-1,
            minimum=-9223372036854775808,
            maximum=-1,
            owned_by="public.t.n",
            identity=True,
        )),
    "column of a partition": ("[table.'public.p']\npartition_of = 'public.t'\npartition_bound = 'DEFAULT'",
        Column(name="public.p.id", table="public.p", position=1, type="integer")),
    "check of a partition": ("checks.c = { expression = 'id > 0' }\n[table.'public.p']\npartition_of = 'public.t'",
        Constraint(name="public.p.c", table="public.p", form="check", definition="CHECK (id > 0)", inherited=True)),
    "view": ("[view.'public.v']\ndefinition = 'SELECT 1'\nmaterialized = true",
        View(name="public.v", definition="SELECT 1", materialized=True)),
    "enum": ("[type.'public.mood']\nform = 'enum'\nlabels = ['sad', 'happy']",
        Type(name="public.mood", form="enum", labels=("sad", "happy"))),
    "grant on anything": ("[[grant]]\non = 'database'\ngrantee = 'public'\nprivileges = ['connect']",
        Grant(name="database to public", on="database", grantee="public", privileges=("connect",))),
})  # fmt: skip
def test_words_make_the_part(line: str, expected: Part, tmp_path: Path) -> None:
    declared = _table(tmp_path, line).declared

    assert expected == {(part.kind, part.name): part for part in declared.parts()}[expected.kind, expected.name]


def test_what_is_not_declared_is_not_there(tmp_path: Path) -> None:
    expected = Schema(
        tables=(Table(name="public.t"),),
        columns=(Column(name="public.t.id", table="public.t", position=1, type="integer"),),
    )

    assert expected == _table(tmp_path).declared


def test_columns_are_in_the_order_of_the_file(tmp_path: Path) -> None:
    lines = [
        "columns.z = { type = 'text' }",
        "columns.a = { type = 'text' }",
        "[table.'public.t'.columns.b]",
        "type = 'text'",
    ]
    expected = ["public.t.id", "public.t.z", "public.t.a", "public.t.b"]

    assert expected == [
        column.name for column in sorted(_table(tmp_path, *lines).declared.columns, key=lambda c: c.position)
    ]


def test_a_part_knows_the_line_of_its_key(tmp_path: Path) -> None:
    assert Origin(file=f"{tmp_path}/1_t.contract.toml", line=3) == _table(tmp_path).declared.columns[0].origin


def test_every_kind_of_part_can_be_declared() -> None:
    collections = {"column", "constraint", "index", "trigger", "policy", "rule", "rows"}

    assert {subclass.kind for subclass in Part.__subclasses__()} == {*kinds().values()} | collections


def test_bare_examples_are_for_the_one_column_of_the_check(tmp_path: Path) -> None:
    lines = [
        "columns.email = { type = 'text' }",
        "checks.c = { expression = \"email ~ 'id'\", accept = ['a'], reject = [{ email = 'b', id = 2 }] }",
    ]
    expected = (
        Examples(
            constraint="public.t.c",
            table="public.t",
            column="email",
            accept=({"email": "a"},),
            reject=({"email": "b", "id": 2},),
        ),
    )

    assert expected == _table(tmp_path, *lines).examples


def test_examples_of_a_domain_are_bare_values(tmp_path: Path) -> None:
    text = (
        "[type.'public.d']\nform = 'domain'\nattributes = ['text']\nchecks.c = { expression = 'VALUE > 0', accept = [1] }"
    )
    expected = (Examples(constraint="public.d.c", table="public.d", column="VALUE", accept=({"VALUE": 1},)),)

    assert expected == _contract(tmp_path, text).examples


def test_a_sample_is_keyed_by_bare_column_names(tmp_path: Path) -> None:
    expected = {"public.t": {"id": 1, "order": "x", "First Name": "y"}}

    assert expected == _table(tmp_path, "sample = { id = 1, '\"order\"' = 'x', 'First Name' = 'y' }").samples


def test_a_name_that_is_too_long_is_cut_as_postgresql_cuts_it(tmp_path: Path) -> None:
    text = f"[table.'public.{'t' * 40}']\ncolumns.{'c' * 40} = {{ type = 'bigint', identity = 'always' }}"
    expected = [f"public.{'t' * 29}_{'c' * 29}_seq"]

    assert expected == [sequence.name for sequence in _contract(tmp_path, text).declared.sequences]


def test_every_field_of_a_part_has_a_key() -> None:
    inside = {
        "column": ("table", "t", "columns", "c"),
        "constraint": ("table", "t", "constraints", "c"),
        "index": ("table", "t", "indexes", "i"),
        "trigger": ("table", "t", "triggers", "g"),
        "policy": ("table", "t", "policies", "p"),
        "rule": ("table", "t", "rules", "r"),
        "grant": ("grant", 0),
    }
    derived = {"name", "origin", "position", "implied", "digest", "table", "rows", "same_as", "comment"}
    missing = {
        f"{subclass.kind}.{field.name}"
        for subclass in Part.__subclasses__()
        for field in fields(subclass)
        if subclass is not Rows
        and field.name not in derived
        and field.name not in keys_at(ContractSpec, inside.get(subclass.kind, (subclass.kind, "name")))
    }

    assert missing == set()


def test_every_file_of_the_sections_is_a_section() -> None:
    assert [section.__module__ for section in SECTIONS] == [
        f"pgcontract.contract.sections.{path.stem}" for path in sorted(Path(sections.__file__).parent.glob("[!_]*.py"))
    ]
