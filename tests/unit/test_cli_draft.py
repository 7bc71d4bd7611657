"""`pgcontract draft`: what it writes is what a verification right after it finds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Command

TABLE = "CREATE TABLE IF NOT EXISTS public.t (id integer PRIMARY KEY, gone text);\n"
CHANGE = "ALTER TABLE public.t DROP COLUMN IF EXISTS gone, ADD COLUMN IF NOT EXISTS body text DEFAULT 'x';\n"


def verdict(pgcontract: Command, path: str | Path) -> tuple[str, list[str]]:
    """The decision, and the checks that are broken or unknown and block."""
    run = json.loads(pgcontract("verify", path, "--format", "json").out)
    wrong = [
        f"{finding['check']}[{finding['subject']}]"
        for finding in run["findings"]
        if finding["status"] == "unknown" or (finding["status"] == "broken" and finding["severity"] != "warning")
    ]
    return run["verdict"]["decision"], wrong


def test_accepted_draft_of_one_script_lies_beside_it_and_is_kept(pgcontract: Command, tmp_path: Path) -> None:
    (tmp_path / "001_t.sql").write_text(TABLE, encoding="utf-8")
    drafted = pgcontract("draft", "001_t.sql", "--accept")

    assert (0, "wrote 001_t.contract.toml\n") == (drafted.code, drafted.err)
    assert ("CLEAR", []) == verdict(pgcontract, "001_t.sql")


def test_draft_that_nobody_accepted_is_incomplete(pgcontract: Command, tmp_path: Path) -> None:
    (tmp_path / "001_t.sql").write_text(TABLE, encoding="utf-8")
    pgcontract("draft", "001_t.sql")

    assert ("INCOMPLETE", ["contract.accepted[contract]"]) == verdict(pgcontract, "001_t.sql")


def test_drafts_of_a_chain_tell_what_each_migration_adds_and_takes_away(pgcontract: Command, tmp_path: Path) -> None:
    (tmp_path / "chain/migrations").mkdir(parents=True)
    (tmp_path / "chain/migrations/001_t.sql").write_text(TABLE, encoding="utf-8")
    (tmp_path / "chain/migrations/002_t.sql").write_text(CHANGE, encoding="utf-8")
    written = [pgcontract("draft", "chain", "--accept", "--through", name).err for name in ("001", "002")]

    assert [f"wrote chain/contracts/{stem}/contract.toml\n" for stem in ("001_t", "002_t")] == written
    assert ("CLEAR", []) == verdict(pgcontract, "chain")


def test_draft_waives_only_what_it_is_told_to(pgcontract: Command, tmp_path: Path) -> None:
    references = f"{TABLE}CREATE TABLE u (t_id integer REFERENCES t (id));\n"
    (tmp_path / "001_t.sql").write_text(references, encoding="utf-8")
    plain = pgcontract("draft", "001_t.sql", "--accept", "-o", "plain.toml")
    waiving = pgcontract("draft", "001_t.sql", "--accept", "--waive", "-o", "waiving.toml")
    texts = [(tmp_path / name).read_text(encoding="utf-8").count("[[waiver]]") for name in ("plain.toml", "waiving.toml")]

    assert ([0, 1], "wrote plain.toml\n") == (texts, plain.err)
    assert waiving.err.startswith("waived foreign_key.indexed[public.u.u_t_id_fkey]: public.u has no index on (t_id)")


def test_draft_that_nobody_reads_waives_nothing(pgcontract: Command, tmp_path: Path) -> None:
    (tmp_path / "001_t.sql").write_text(TABLE, encoding="utf-8")
    result = pgcontract("draft", "001_t.sql", "--waive")

    assert (2, True) == (result.code, "--waive goes with --accept" in result.err)


def test_draft_never_overwrites(pgcontract: Command, project: Path) -> None:
    contract = project / "contracts/001_note/contract.toml"
    before = contract.read_text(encoding="utf-8")
    result = pgcontract("draft", project, "--accept")

    assert (2, before) == (result.code, contract.read_text(encoding="utf-8"))


def test_draft_goes_where_it_is_told(pgcontract: Command, project: Path) -> None:
    result = pgcontract("draft", project, "-o", "new/contract.toml")

    assert (0, True) == (result.code, (project.parent / "new/contract.toml").is_file())


@pytest.mark.parametrize("refused", ["001_a.sql", "002_b.sql"])
def test_chain_with_a_script_that_the_server_refuses_cannot_be_drafted(
    pgcontract: Command, tmp_path: Path, refused: str
) -> None:
    for name in ("001_a.sql", "002_b.sql"):
        (tmp_path / name).write_text("SELECT 1;\n", encoding="utf-8")
    (tmp_path / refused).write_text("CREATE TABLE t (\n  a intger);\n", encoding="utf-8")
    result = pgcontract("draft", ".")

    assert (2, f"error: {refused}:2: ", 1) == (result.code, result.err[:20], result.err.count("\n")), result.err


def test_what_the_server_lacks_is_told_with_who_has_it(pgcontract: Command, tmp_path: Path) -> None:
    (tmp_path / "001_a.sql").write_text("CREATE EXTENSION pgcrypto;\n", encoding="utf-8")
    result = pgcontract("draft", "001_a.sql", "--pg", "wheel")

    expected = (
        "error: 001_a.sql:1: it cannot be applied, so there is nothing to draft from: "
        "This server cannot run the script: pgcrypto is not in this server's build; --pg 18 has it.\n"
    )
    assert (2, expected) == (result.code, result.err)
