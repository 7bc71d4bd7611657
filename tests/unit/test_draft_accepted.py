"""An accepted draft of whatever loads: verified straight away, nothing in it is broken or unknown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Command

SCHEMAS = sorted((Path(__file__).parent / "schemas").glob("*.sql"))
ROLES = 'CREATE ROLE reader;\nCREATE ROLE writer;\nCREATE ROLE "Some One";\n'
# What only a superuser may make, and no migration of ours runs as one.
FORBIDDEN = ("EXTENSION postgres_fdw", "SERVER far", "FOREIGN TABLE", "EVENT TRIGGER")


def migration(schema: Path) -> str:
    """The schema as a role that is no superuser may make it, with the roles it speaks of."""
    lines = schema.read_text(encoding="utf-8").splitlines(keepends=True)
    return ROLES + "".join(line for line in lines if not any(word in line for word in FORBIDDEN))


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.stem)
def test_accepted_draft_has_the_findings_of_no_contract(schema: Path, pgcontract: Command, tmp_path: Path) -> None:
    (tmp_path / "001_x.sql").write_text(migration(schema), encoding="utf-8")
    before = wrong(pgcontract("verify", "001_x.sql", "--format", "json").out)
    drafted = pgcontract("draft", "001_x.sql", "--accept")
    after = wrong(pgcontract("verify", "001_x.sql", "--format", "json").out)

    assert (0, before) == (drafted.code, after)


def wrong(run: str) -> set[tuple[str, str, str, str | None]]:
    """What is broken or unknown, and how heavily it weighs."""
    return {
        (finding["check"], finding["subject"], finding["status"], finding["severity"])
        for finding in json.loads(run)["findings"]
        if finding["status"] in ("broken", "unknown", "error")
    }
