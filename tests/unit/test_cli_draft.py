"""`pgcontract draft`: what it writes is what a verification right after it finds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Command
from written_files import write_files

TABLE = "CREATE TABLE IF NOT EXISTS public.t (id integer PRIMARY KEY, gone text);\n"
CHANGE = "ALTER TABLE public.t DROP COLUMN IF EXISTS gone, ADD COLUMN IF NOT EXISTS body text DEFAULT 'x';\n"


def verdict(pgcontract: Command, path: str | Path, *words: str) -> tuple[str, list[str]]:
    """The decision, and the checks that are broken or unknown and block."""
    run = json.loads(pgcontract("verify", path, "--format", "json", *words).out)
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

    assert ("INCOMPLETE", ["contract.accepted[contract]"]) == verdict(pgcontract, "001_t.sql", "--only", "contract.*")


def test_drafts_of_a_chain_tell_what_each_migration_adds_and_takes_away(pgcontract: Command, tmp_path: Path) -> None:
    (tmp_path / "chain/migrations").mkdir(parents=True)
    (tmp_path / "chain/migrations/001_t.sql").write_text(TABLE, encoding="utf-8")
    (tmp_path / "chain/migrations/002_t.sql").write_text(CHANGE, encoding="utf-8")
    written = [pgcontract("draft", "chain", "--accept", "--through", name).err for name in ("001", "002")]

    assert [f"wrote chain/contracts/{stem}/contract.toml\n" for stem in ("001_t", "002_t")] == written
    assert ("CAUTION", []) == verdict(pgcontract, "chain")  # the column is dropped with what is in it


def test_one_run_drafts_each_migration_of_a_folder(pgcontract: Command, tmp_path: Path) -> None:
    write_files(tmp_path, {"db/migrations/001_t.sql": TABLE, "db/migrations/002_t.sql": CHANGE})
    drafted = pgcontract("draft", "db/migrations", "--accept")
    second = (tmp_path / "db/contracts/002_t/contract.toml").read_text(encoding="utf-8")

    assert (0, [f"wrote db/contracts/{stem}/contract.toml" for stem in ("001_t", "002_t")]) == (
        drafted.code,
        drafted.err.splitlines(),
    )
    assert {"columns.gone = { removed = true }", """columns.body = { type = "text", default = "'x'::text" }"""} == {
        line for line in second.splitlines() if line.startswith("columns.")
    }
    assert ("CAUTION", []) == verdict(pgcontract, "db")


def test_one_contract_at_the_head_is_for_all_migrations(pgcontract: Command, tmp_path: Path) -> None:
    write_files(tmp_path, {"001_t.sql": TABLE, "002_t.sql": CHANGE})
    drafted = pgcontract("draft", ".", "--accept", "--head")

    assert (0, "wrote 002_t.contract.toml\n") == (drafted.code, drafted.err)
    assert ("CAUTION", []) == verdict(pgcontract, ".")


def test_what_an_owner_wrote_stays_and_the_rest_is_drafted(pgcontract: Command, tmp_path: Path) -> None:
    contract = 'migration = "001_t.sql"\n'
    write_files(tmp_path, {"001_t.sql": TABLE, "002_t.sql": CHANGE, "001_t.contract.toml": contract})
    drafted = pgcontract("draft", ".", "--accept")
    refused = pgcontract("draft", ".", "--accept")
    expected = (
        "error: 002_t.contract.toml: is there already, as is one for each migration before it, and a draft never "
        "overwrites; name another file with -o\n"
    )

    assert (0, "wrote 002_t.contract.toml\n") == (drafted.code, drafted.err)
    assert (2, expected) == (refused.code, refused.err)
    assert contract == (tmp_path / "001_t.contract.toml").read_text(encoding="utf-8")


# What a way back leaves is a warning where nobody promised it, and a migration that is applied is asked for no more.
def test_a_draft_promises_no_more_than_what_it_names(pgcontract: Command, tmp_path: Path) -> None:
    back = "DROP TABLE public.t; CREATE TABLE public.t (id integer);"
    write_files(tmp_path, {"1_t.sql": TABLE, "1_t.down.sql": back, "2_t.sql": CHANGE, "2_t.down.sql": back})
    before = wrong(pgcontract("verify", ".", "--format", "json").out)
    pgcontract("draft", ".", "--accept")

    assert before == wrong(pgcontract("verify", ".", "--format", "json").out)


def test_a_draft_behind_what_nobody_declared_is_kept(pgcontract: Command, tmp_path: Path) -> None:
    first = """
    CREATE TABLE "T x" (id integer PRIMARY KEY, "a B" text, c text CHECK (c > ''), d integer) WITH (fillfactor = 70);
    CREATE INDEX ON "T x" ("a B"); ALTER TABLE "T x" ENABLE ROW LEVEL SECURITY; CREATE TABLE gone (id integer);
    INSERT INTO "T x" VALUES (1), (2); CREATE VIEW v AS SELECT 1 AS one; CREATE TYPE e AS ENUM ('a');
    CREATE TABLE untouched (id integer); GRANT SELECT ON untouched TO PUBLIC;
    """
    second = """
    ALTER TABLE "T x" DROP COLUMN d, ADD COLUMN e text; DROP TABLE gone; DELETE FROM "T x";
    ALTER TYPE e ADD VALUE 'b'; COMMENT ON VIEW v IS 'One'; COMMENT ON SCHEMA public IS 'Ours';
    """
    write_files(tmp_path, {"001_t.sql": first, "002_t.sql": second})
    before = wrong(pgcontract("verify", ".", "--format", "json").out)
    after = []
    for words in (["--through", "002"], ["--head"]):
        drafted = pgcontract("draft", ".", "--accept", *words)
        after.append((drafted.code, wrong(pgcontract("verify", ".", "--format", "json").out)))
        (tmp_path / "002_t.contract.toml").unlink()

    assert [(0, before)] * 2 == after


def test_draft_waives_only_what_it_is_told_to(pgcontract: Command, tmp_path: Path) -> None:
    references = f"{TABLE}CREATE TABLE u (id integer PRIMARY KEY, t_id integer REFERENCES t (id));\n"
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
    (tmp_path / "001_a.sql").write_text("CREATE EXTENSION xml2;\n", encoding="utf-8")
    result = pgcontract("draft", "001_a.sql", "--pg", "wheel")

    expected = (
        "error: 001_a.sql:1: it cannot be applied, so there is nothing to draft from: "
        "This server cannot run the script: xml2 is not in this server's build; --pg 18 has it.\n"
    )
    assert (2, expected) == (result.code, result.err)


def wrong(run: str) -> set[tuple[str, str, str, str | None]]:
    """What is broken or unknown, and how heavily it weighs."""
    return {
        (finding["check"], finding["subject"], finding["status"], finding["severity"])
        for finding in json.loads(run)["findings"]
        if finding["status"] in ("broken", "unknown", "error")
    }
