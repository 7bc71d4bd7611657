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
def test_accepted_draft_has_nothing_broken_or_unknown(schema: Path, pgcontract: Command, tmp_path: Path) -> None:
    (tmp_path / "001_x.sql").write_text(migration(schema), encoding="utf-8")
    drafted = pgcontract("draft", "001_x.sql", "--accept")
    run = json.loads(pgcontract("verify", "001_x.sql", "--format", "json").out)
    wrong = [
        f"{finding['check']}[{finding['subject']}]"
        for finding in run["findings"]
        if finding["status"] in ("broken", "unknown", "error")
    ]

    waived = any(finding["status"] == "waived" for finding in run["findings"])

    assert (0, [], "CAUTION" if waived else "CLEAR") == (drafted.code, wrong, run["verdict"]["decision"])
