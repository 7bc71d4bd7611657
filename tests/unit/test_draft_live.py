"""What is drafted from a live catalog and read again is that catalog."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pgcontract.catalog import read_catalog, subtract
from pgcontract.contract import load_project
from pgcontract.drafting.contract_draft import draft_contract, write_draft
from pgcontract.model.schema import Grant, Schema
from pgcontract.postgres.providers import Server, provider_for
from psycopg import sql

SCHEMAS = sorted((Path(__file__).parent / "schemas").glob("*.sql"))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with provider_for("wheel").start() as running:
        with psycopg.connect(running.conninfo(dbname="postgres"), autocommit=True) as connection:
            for role in ("reader", "writer", "Some One"):
                connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
        yield running


def _made(server: Server, name: str, script: str) -> Schema:
    """What the script makes in a database of its own."""
    with psycopg.connect(server.conninfo(dbname="postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    with psycopg.connect(server.conninfo(dbname=name), autocommit=True) as connection:
        before = read_catalog(connection)
        connection.execute(script.encode())
        return subtract(read_catalog(connection), before)


def _declarable(schema: Schema, owner: str) -> Schema:
    """The schema without what a draft does not say: an extension's comment, the migrator as owner, grants by default."""
    parts_by_kind: dict[str, Any] = {}
    for field in fields(schema):
        parts = getattr(schema, field.name)
        if field.name == "extensions":
            parts = [replace(part, comment=None) for part in parts]
        parts = [replace(part, owner=None) if getattr(part, "owner", None) == owner else part for part in parts]
        parts = [
            replace(part, implied=()) if isinstance(part, Grant) else part
            for part in parts
            if not isinstance(part, Grant) or part.privileges != part.implied
        ]
        parts_by_kind[field.name] = tuple(sorted(parts, key=lambda part: part.name))
    return Schema(**parts_by_kind)


def _read_again(text: str, folder: Path) -> Schema:
    (folder / "001_all.sql").touch()
    write_draft(text, folder / "001_all.contract.toml")
    return load_project(folder / "001_all.sql").declared("001_all")


@pytest.mark.parametrize("script", SCHEMAS, ids=lambda path: path.stem)
def test_a_draft_read_again_is_the_catalog(script: Path, server: Server, tmp_path: Path) -> None:
    schema = _made(server, script.stem, script.read_text(encoding="utf-8"))
    owner = server.superuser
    text = draft_contract(schema, migration="001_all.sql", accept=True, owner=owner)

    assert _declarable(schema, owner) == _read_again(text, tmp_path)
