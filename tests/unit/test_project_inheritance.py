"""A later contract inherits what was declared before it, and restates only what it changes."""

from __future__ import annotations

from pathlib import Path

from pgcontract.contract import Contract, Project, load_project
from pgcontract.errors import ContractError
from pgcontract.model.schema import Schema
from refusals import refusal
from written_files import write_files

FIRST = """
migration = "001_people.sql"

[table."public.people"]
purpose = "Everybody we know"
primary_key = ["id"]
columns.id    = { type = "bigint", identity = "always" }
columns.email = { type = "text", null = false, purpose = "where to write to" }
columns.order = { type = "integer" }
checks.email_format = { expression = "email ~ '@'", accept = ["a@b.co"], reject = ["x"] }
uniques.people_email_key = { columns = ["email"] }
grants.anon = ["select"]
sample = { email = "ann@example.com" }
"""


def _project(tmp_path: Path, second: str, first: str = FIRST) -> Project:
    for stem, text in (("001_people", first), ("002_more", f'migration = "002_more.sql"\n{second}')):
        write_files(tmp_path, {f"migrations/{stem}.sql": "", f"contracts/{stem}/contract.toml": text})
    return load_project(tmp_path)


def _head(project: Project) -> Contract:
    contract = project.head.contract
    assert contract is not None
    return contract


def test_what_is_not_restated_stays_declared(tmp_path: Path) -> None:
    project = _project(tmp_path, "")

    assert project.declared("001_people") == project.declared("002_more")


def test_a_restated_column_keeps_the_keys_that_are_not_named(tmp_path: Path) -> None:
    project = _project(tmp_path, 'table."public.people".columns.email = { null = true }')
    email = next(column for column in project.declared("002_more").columns if column.name == "public.people.email")

    assert ("text", True, "where to write to") == (email.type, email.null, email.purpose)


def test_a_restated_column_is_the_later_contracts_own(tmp_path: Path) -> None:
    head = _head(_project(tmp_path, 'table."public.people".columns.email = { null = true }'))

    assert ["public.people.email"] == [part.name for part in head.declared.parts()]


def test_a_new_column_comes_last(tmp_path: Path) -> None:
    project = _project(tmp_path, 'table."public.people".columns.phone = { type = "text" }')
    columns = sorted(project.declared("002_more").columns, key=lambda column: column.position)

    assert ["id", "email", '"order"', "phone"] == [column.name.removeprefix("public.people.") for column in columns]


def test_a_removed_table_takes_its_parts_along(tmp_path: Path) -> None:
    assert Schema() == _project(tmp_path, 'table."public.people".removed = true').declared("002_more")


def test_removed_names_all_that_is_gone(tmp_path: Path) -> None:
    head = _head(_project(tmp_path, 'table."public.people".uniques.people_email_key.removed = true'))

    assert (("constraint", "public.people.people_email_key"), ("index", "public.people_email_key")) == head.removed


def test_removing_what_was_never_declared_names_the_nearest(tmp_path: Path) -> None:
    said = refusal(_project, tmp_path, 'table."public.people".columns.emial.removed = true', error=ContractError)
    expected = (
        f"{tmp_path}/contracts/002_more/contract.toml:2: emial is not declared before this, so it cannot be removed; "
        "did you mean `email`?"
    )

    assert expected == said


def test_a_later_grant_is_the_whole_set(tmp_path: Path) -> None:
    project = _project(tmp_path, 'table."public.people".grants.anon = []')
    expected = [("table public.people to anon", ())]

    assert expected == [(grant.name, grant.privileges) for grant in project.declared("002_more").grants]


def test_a_sample_row_is_still_known_later(tmp_path: Path) -> None:
    assert {"public.people": {"email": "ann@example.com"}} == _head(_project(tmp_path, "")).samples


def test_the_head_can_be_moved_back(tmp_path: Path) -> None:
    assert ["001_people"] == [migration.key for migration in _project(tmp_path, "").through("001").chain]
