"""A draft reads like a document, says what it is, and is read back as what it was made from."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from case_tables import cases
from hypothesis import given
from hypothesis import strategies as st
from pgcontract.contract import Project, load_project
from pgcontract.contract.toml_writer import write_key, write_table, write_text
from pgcontract.drafting.contract_draft import draft_contract, write_draft
from pgcontract.model.schema import (
    Column,
    Constraint,
    DefaultGrant,
    EventTrigger,
    Extension,
    Function,
    Grant,
    Index,
    Namespace,
    Other,
    Part,
    Policy,
    Publication,
    Role,
    Rows,
    Rule,
    Schema,
    Sequence,
    Setting,
    Statistics,
    Table,
    Trigger,
    Type,
    View,
)
from refusals import refusal

NOTES = Schema(
    tables=(Table(name="public.notes", comment="What somebody wrote down"),),
    columns=(
        Column(name="public.notes.body", table="public.notes", position=2, type="text", comment='The "words"'),
        Column(name="public.notes.id", table="public.notes", position=1, type="integer", null=False, comment="Which"),
    ),
    constraints=(
        Constraint(name="public.notes.notes_pkey", table="public.notes", form="primary key",
                   definition="PRIMARY KEY (id)", comment="One row a note"),
    ),
    indexes=(
        Index(name="public.notes_pkey", table="public.notes", keys=("id",), unique=True,
              constraint="primary key public.notes.notes_pkey", comment="Finds a note"),
    ),
    functions=(
        Function(name="public.f()", returns="trigger", language="plpgsql", body="BEGIN\n    RETURN NEW;\nEND",
                 comment="Does it"),
    ),
)  # fmt: skip

ACCEPTED = """\
# Drafted by pgcontract from what the migration does, and accepted as it is.
migration = "001_notes.sql"

[table."public.notes"]
comment = "What somebody wrote down"
primary_key = { columns = ["id"], comment = "One row a note" }
columns.id   = { type = "integer", comment = "Which" }
columns.body = { type = "text", comment = 'The "words"' }
indexes.notes_pkey = { comment = "Finds a note" }

[function."public.f()"]
comment = "Does it"
returns = "trigger"
language = "plpgsql"
body = '''
BEGIN
    RETURN NEW;
END'''
"""

EVERYTHING = Schema(
    schemas=(Namespace(name="app", owner="ann"),),
    extensions=(Extension(name="pg_trgm", schema="public"),),
    tables=(Table(name="app.t", row_security=True, options=("fillfactor=70",)),),
    columns=(
        Column(name='app.t."order"', table="app.t", position=2, type="text", default="'it''s \"x\"'", collation='"C"'),
        Column(name="app.t.id", table="app.t", position=1, type="bigint", null=False, identity="by default"),
    ),
    constraints=(
        Constraint(name="app.d.long", table="app.d", form="check", definition="CHECK ((VALUE ~ '\\d'::text))"),
        Constraint(name="app.t.f", table="app.t", form="foreign key", deferrable=True,
                   definition='FOREIGN KEY ("order", id) REFERENCES app."T u"("a,b", c) MATCH FULL ON UPDATE CASCADE '
                   'ON DELETE SET DEFAULT ("order")'),
        Constraint(name="app.t.id not null", table="app.t", form="not null", definition="NOT NULL id", no_inherit=True),
    ),
    indexes=(Index(name='app."An I"', table="app.t", keys=("lower(x) DESC",), predicate="(x > 'a\nb'::text)"),),
    triggers=(
        Trigger(name="app.t.g", table="app.t", timing="after", events=("insert", "delete"), function="app.f()",
                arguments=("it's", 'a "b"\n')),
    ),
    functions=(
        Function(name="app.f(integer,text)", arguments="a integer, b text DEFAULT ')'::text", language="sql", rows=7.5),
    ),
    views=(View(name="app.v", definition=" SELECT '''\\',\n    '\\t'::text;", materialized=True, populated=False),),
    rules=(
        Rule(name="app.v.r", table="app.v", definition="CREATE RULE r AS\n    ON INSERT TO app.v DO INSTEAD NOTHING;"),
    ),
    types=(
        Type(name="app.d", form="domain", attributes=("text",), null=False),
        Type(name="app.e", form="enum", labels=("'", '"')),
    ),
    sequences=(
        Sequence(name="app.s", type="smallint", maximum=32767, increment=5, cache=2),
        Sequence(name="app.t_id_seq", owned_by="app.t.id", identity=True),
        Sequence(name="app.u", increment=-1, minimum=-9, maximum=-1, start=-1),
    ),
    policies=(Policy(name="app.t.p", table="app.t", roles=("a", '"B b"'), using="true", check="(1 = 1)"),),
    event_triggers=(
        EventTrigger(name="w", event="sql_drop", tags=("DROP TABLE",), function="app.f()", enabled="always"),
    ),
    publications=(Publication(name="p", tables=("app.t (id) WHERE (id > 0)",), operations=("insert",)),),
    statistics=(Statistics(name="app.st", table="app.t", kinds=("mcv",), definition="CREATE STATISTICS ...", target=5),),
    grants=(
        Grant(name='column app.t."order" to ann', on='column app.t."order"', grantee="ann", privileges=("select",)),
        Grant(name="database to public", on="database", grantee="public", privileges=("connect", "temporary")),
        Grant(name='function app.f(integer,text) to "B b"', on="function app.f(integer,text)", grantee='"B b"',
              privileges=("execute with grant option",)),
        Grant(name="sequence app.t_id_seq to ann", on="sequence app.t_id_seq", grantee="ann", privileges=("usage",)),
    ),
    default_grants=(DefaultGrant(name="ann in app on tables to bob", privileges=("select",)),),
    roles=(Role(name="ann", attributes=("login",), member_of=("bob with admin option",)),),
    settings=(Setting(name="work_mem of ann", value="8MB"),),
    rows=(Rows(name="app.t", rows=3),),
    others=(
        Other(name="cast (a AS b)", form="cast", definition=("with inout", "explicit")),
        Other(name="text search configuration app.x", form="text search configuration"),
    ),
)  # fmt: skip


def _project(folder: Path, *texts: str) -> Project:
    for number, text in enumerate(texts, 1):
        (folder / f"00{number}_notes.sql").touch()
        write_draft(text, folder / f"00{number}_notes.contract.toml")
    return load_project(folder)


def test_an_accepted_draft_reads_like_a_document() -> None:
    assert ACCEPTED == draft_contract(NOTES, migration="001_notes.sql", accept=True)


def test_a_draft_says_that_nobody_has_read_it(tmp_path: Path) -> None:
    contract = _project(tmp_path, draft_contract(NOTES, migration="001_notes.sql", accept=False)).head.contract

    assert contract is not None
    assert not contract.accepted


@pytest.mark.parametrize(("comment", "expected"), [("What somebody wrote down", "required"), (None, "optional")])
def test_comments_are_required_where_everything_has_one(comment: str | None, expected: str, tmp_path: Path) -> None:
    schema = replace(NOTES, tables=(replace(NOTES.tables[0], comment=comment),))
    contract = _project(tmp_path, draft_contract(schema, migration="001_notes.sql", accept=True)).head.contract

    assert contract is not None
    assert expected == contract.comments


def test_every_kind_of_part_is_read_back(tmp_path: Path) -> None:
    text = draft_contract(EVERYTHING, migration="001_notes.sql", accept=True)

    assert EVERYTHING == _project(tmp_path, text).declared("001_notes")


def _later(folder: Path, first: Schema, second: Schema, removed: Iterable[tuple[str, str]] = ()) -> Schema:
    """What is declared once a second draft has followed the first."""
    texts = [
        draft_contract(first, migration="001_notes.sql", accept=True),
        draft_contract(second, migration="002_notes.sql", accept=True, inherited=first, removed=[*removed]),
    ]
    return _project(folder, *texts).declared("002_notes")


def test_a_later_draft_declares_anew_what_it_changed(tmp_path: Path) -> None:
    first = replace(EVERYTHING, constraints=(), grants=())
    plain = replace(first.columns[0], default=None, collation=None)
    later = Column(name="app.t.more", table="app.t", position=3, type="text")
    second = Schema(columns=(plain, later), views=(View(name="app.v", definition="SELECT 2"),))
    expected = replace(first, columns=(plain, first.columns[1], later), views=second.views)

    assert expected == _later(tmp_path, first, second)


FIRST = replace(EVERYTHING, grants=())
HANGING = (*FIRST.constraints, *FIRST.indexes, *FIRST.triggers, *FIRST.policies, FIRST.columns[0])


@cases(("removed", "expected"), {
    "everything": ([part for part in FIRST.parts() if part.kind != "rows"], Schema()),
    "what hangs on a table": (HANGING,
        replace(FIRST, constraints=(), indexes=(), triggers=(), policies=(), columns=(FIRST.columns[1],))),
})  # fmt: skip
def test_a_later_draft_removes(removed: Iterable[Part], expected: Schema, tmp_path: Path) -> None:
    assert expected == _later(tmp_path, FIRST, Schema(), ((part.kind, part.name) for part in removed))


def test_a_later_draft_takes_privileges_away(tmp_path: Path) -> None:
    grant = Grant(name="table public.notes to ann", on="table public.notes", grantee="ann", privileges=("select",))
    declared = _later(tmp_path, replace(NOTES, grants=(grant,)), Schema(), [("grant", grant.name)])

    assert (replace(grant, privileges=()),) == declared.grants


def test_the_migrator_is_no_owner_worth_naming() -> None:
    owned = replace(NOTES, tables=(replace(NOTES.tables[0], owner="postgres"),))
    expected = draft_contract(NOTES, migration="001_notes.sql", accept=True)

    assert expected == draft_contract(owned, migration="001_notes.sql", accept=True, owner="postgres")


def test_a_draft_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / "contract.toml").write_text("mine", encoding="utf-8")
    said = refusal(write_draft, "yours", tmp_path / "contract.toml")
    expected = (
        f"{tmp_path}/contract.toml: there is a file already, and a draft never overwrites; "
        "remove it, or name another with -o",
        "mine",
    )

    assert expected == (said, (tmp_path / "contract.toml").read_text(encoding="utf-8"))


def test_a_draft_that_cannot_be_written_is_the_owners_to_place(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    expected = f"{tmp_path}/file/contract.toml: cannot be written: File exists; name another place with -o"

    assert expected == refusal(write_draft, "", tmp_path / "file" / "contract.toml")


_texts = st.text(st.one_of(st.sampled_from("\"'\\\n\r\t\x7f\x00\u2028n#]"), st.characters(exclude_categories=["Cs"])))


@given(_texts)
def test_any_text_is_read_back(text: str) -> None:
    assert {"k": text} == tomllib.loads(f"k = {write_text(text)}")


@given(_texts)
def test_any_text_fits_on_one_line(text: str) -> None:
    assert {"k": [text]} == tomllib.loads(f"k = [{write_text(text, lines=False)}]")


@given(st.lists(_texts, min_size=1, max_size=3))
def test_any_key_is_read_back(path: list[str]) -> None:
    expected: Any = 1
    for key in reversed(path):
        expected = {key: expected}

    assert expected == tomllib.loads(f"{write_key(*path)} = 1")


@given(st.dictionaries(_texts, st.dictionaries(_texts, st.lists(_texts) | st.booleans() | _texts), min_size=1))
def test_any_collection_is_read_back(parts: dict[str, Any]) -> None:
    assert {"t": {"checks": parts}} == tomllib.loads(write_table(("t",), {"checks": parts}, ["checks"]))
