"""A release is what was verified, byte for byte, with the steps that apply to it; whatever else is refused."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pgcontract.cli import run
from pgcontract.reporting import render
from pgcontract.reporting.json import from_json, to_json
from pgcontract.result import Decision, Verdict

TABLE = "CREATE TABLE public.note (id bigint PRIMARY KEY, body text);\n"
COLUMN = "ALTER TABLE public.note ALTER COLUMN body SET NOT NULL;\n"
SECURED = f"{TABLE}ALTER TABLE public.note ENABLE ROW LEVEL SECURITY;\n"
BACK = "ALTER TABLE public.note ALTER COLUMN body DROP NOT NULL;\n"
INDEX = "CREATE INDEX CONCURRENTLY note_body ON public.note (body);\n"
NO_INDEX = "DROP INDEX CONCURRENTLY public.note_body;\n"
ON_SUPABASE = ("--platform", "supabase")

Verified = Callable[..., Path]


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8", newline="")
    return folder


@pytest.fixture
def verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Verified:
    """Writes a folder `db`, verifies it, and gives the run.json beside it."""

    def verify(files: dict[str, str], *options: str) -> Path:
        write(tmp_path / "db", files)
        monkeypatch.chdir(tmp_path)
        code = run(["verify", "db", "--json", "run.json", *options])
        assert code == 0, capfd.readouterr().out
        capfd.readouterr()
        return tmp_path / "run.json"

    return verify


def release(file: Path, *options: str) -> tuple[int, str]:
    code = run(["release", str(file), "--out", "out", *options])
    checklist = file.with_name("out") / "CHECKLIST.md"
    return code, checklist.read_text(encoding="utf-8") if checklist.exists() else ""


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.name[0] != "."}


def refuses_what_was_not_verified(file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    seen = from_json(file.read_text(encoding="utf-8"))
    blocked = replace(seen, verdict=Verdict(decision=Decision.BLOCKED, reasons=("it is wrong",)))
    partly = replace(seen, options=replace(seen.options, only=("column.*",)))
    said = {}
    for name, other in {"blocked": blocked, "partly": partly}.items():
        path = file.with_name(f"{name}.json")
        path.write_text(to_json(other), encoding="utf-8")
        said[name] = (release(path), capfd.readouterr().err)
    edited = file.with_name("edited.json")
    edited.write_text(file.read_text(encoding="utf-8").replace("public.note", "public.nope"), encoding="utf-8")
    said["edited"] = (release(edited), capfd.readouterr().err)
    (file.with_name("db") / "001_note.sql").write_text(f"{TABLE}\n", encoding="utf-8")
    said["changed"] = (release(file), capfd.readouterr().err)
    (file.with_name("db") / "001_note.sql").write_text(TABLE, encoding="utf-8")

    assert {name: code for name, ((code, _), _) in said.items()} == {"blocked": 1, "partly": 1, "edited": 2, "changed": 1}
    assert "The verdict is BLOCKED" in said["blocked"][1]
    assert "judged only a part" in said["partly"][1]
    assert "001_note.sql (migration) has changed" in said["changed"][1]
    assert not file.with_name("out").exists()


def test_a_plain_folder_is_released_with_its_way_back_and_its_checksums_and_nothing_else_is(
    verified: Verified, capfd: pytest.CaptureFixture[str]
) -> None:
    file = verified({"001_note.sql": TABLE, "002_body.sql": COLUMN.replace("\n", "\r\n"), "002_body.down.sql": BACK})
    refuses_what_was_not_verified(file, capfd)
    code, checklist = release(file)
    out = file.with_name("out")
    sums = subprocess.run(["sha256sum", "--quiet", "--check", "SHA256SUMS"], cwd=out, check=False)

    assert (code, sums.returncode) == (0, 0)
    assert names(out) == {
        "CHECKLIST.md",
        "SHA256SUMS",
        "back/002_body.down.sql",
        "report/deployment.html",
        "report/deployment.md",
        "report/run.json",
        "sql/002_body.sql",
    }
    assert (out / "sql/002_body.sql").read_bytes() == COLUMN.replace("\n", "\r\n").encode()
    assert "SELECT count(*) FROM public.note WHERE body IS NULL;" in checklist
    assert "-X -1 -v ON_ERROR_STOP=1 -f sql/002_body.sql" in checklist
    assert "-f back/002_body.down.sql" in checklist
    assert "supabase" not in checklist.lower()


def test_supabase_has_three_ways_and_its_history_is_told_of_what_is_pasted(verified: Verified) -> None:
    file = verified({"001_note.sql": SECURED}, *ON_SUPABASE, "--layout", "flat")
    code, checklist = release(file, "--project-ref", "abcdefgh", "--pooler", "aws-0.pooler.supabase.com")
    pushed = next(iter(file.with_name("out").glob("supabase-migrations/*_note.sql")))
    version = pushed.name.partition("_")[0]

    assert (code, len(version)) == (0, 14)
    assert "https://supabase.com/dashboard/project/abcdefgh/sql/new" in checklist
    assert "supabase link --project-ref abcdefgh" in checklist
    assert "host=aws-0.pooler.supabase.com port=5432 user=postgres.abcdefgh" in checklist
    assert f"VALUES ('{version}', 'note') ON CONFLICT DO NOTHING;" in checklist
    assert "has no way back in a file of its own" in checklist


def test_a_statement_that_no_transaction_may_hold_is_run_alone(verified: Verified) -> None:
    file = verified(
        {"001_note.sql": SECURED, "002_index.sql": INDEX, "002_index.down.sql": NO_INDEX},
        *ON_SUPABASE,
    )
    _, checklist = release(file)
    page = (file.with_name("out") / "report/deployment.md").read_text(encoding="utf-8")

    assert "statements of `sql/002_index.sql` one at a time" in checklist
    assert "`supabase --version` says 2.109 or newer" in checklist
    assert "-X -v ON_ERROR_STOP=1 -f sql/002_index.sql" in checklist
    assert "-X -v ON_ERROR_STOP=1 -f back/002_index.down.sql" in checklist
    assert "-X -v ON_ERROR_STOP=1 -f 002_index.sql" in page
    assert "-X -v ON_ERROR_STOP=1 -f 002_index.down.sql" in page
    assert "`CREATE INDEX CONCURRENTLY note_body ON public.note (body)` can be in none" in page
    assert "-X -1" not in checklist + page
    assert "statements of `back/002_index.down.sql` one at a time" in release(file, "--method", "editor")[1]


def test_supabases_own_folder_keeps_its_names_and_its_history_is_told_once(verified: Verified) -> None:
    file = verified({"20260101000000_it's.sql": SECURED}, *ON_SUPABASE)
    code, checklist = release(file, "--method", "editor")

    assert code == 0
    assert names(file.with_name("out")) >= {"sql/20260101000000_it's.sql"}
    assert "By `supabase db push`" not in checklist
    assert "By psql" not in checklist

    told = checklist.partition("CREATE SCHEMA IF NOT EXISTS supabase_migrations;")[1:]
    sql = "".join(told).partition("```")[0]
    once = "DO $$ BEGIN ASSERT (SELECT name = 'it''s' FROM supabase_migrations.schema_migrations); END $$;"
    assert "VALUES ('20260101000000', 'it''s')" in sql
    assert verified({"20260101000000_it's.sql": f"{sql}\n{sql}\n{once}"}, "--only", "script.applies").exists()


def test_a_tool_with_a_history_deploys_by_its_own_command(verified: Verified) -> None:
    files = {
        "migration_lock.toml": 'provider = "postgresql"\n',
        "20260101000000_note/migration.sql": TABLE,
        "20260102000000_body/migration.sql": COLUMN,
    }
    file = verified(files, "--applied", "20260101000000_note")
    code, checklist = release(file)

    assert code == 0
    assert "npx prisma migrate deploy" in checklist
    assert "-X" not in checklist
    assert "sql/20260102000000_body.sql" in names(file.with_name("out"))
    assert release(file, "--method", "editor")[0] == 2


@pytest.mark.parametrize(("files", "command", "back"), [
    pytest.param(
        {"1_note.up.sql": TABLE, "2_b.up.sql": COLUMN, "2_b.down.sql": BACK},
        'migrate -path db -database "$DATABASE_URL" down 1',
        {"back/2_b.down.sql"},
        id="files of their own",
    ),
    pytest.param(
        {"1_note.sql": f"-- +goose Up\n{TABLE}", "2_b.sql": f"-- +goose Up\n{COLUMN}-- +goose Down\n{BACK}"},
        'goose -dir db postgres "$DATABASE_URL" down',
        set(),
        id="in the same file",
    ),
])  # fmt: skip
def test_what_a_tool_deployed_it_takes_back_itself(
    files: dict[str, str], command: str, back: set[str], verified: Verified
) -> None:
    file = verified(files)
    _, checklist = release(file)

    assert f"\n{command}\n" in checklist
    assert ("no way back" in checklist, "-f back/" in checklist) == (False, False)
    assert {name for name in names(file.with_name("out")) if name.startswith("back")} == back
    page = render(from_json(file.read_text(encoding="utf-8")), "markdown")
    of_the_tool = [words in page for words in ('"$DATABASE_URL" up\n', f"{command}\n")]
    assert ([not back] * 2, bool(back)) == (of_the_tool, "psql '" in page)  # psql cannot tell the ways of one file apart


def test_file_of_both_ways_is_never_given_to_psql(verified: Verified, capfd: pytest.CaptureFixture[str]) -> None:
    file = verified({"1_note.sql": TABLE, "2_b.sql": f"{COLUMN}-- //@UNDO\n{BACK}"})
    code, _ = release(file)
    page = render(from_json(file.read_text(encoding="utf-8")), "markdown")

    assert (2, True, False) == (code, "the SQL editor would run both" in capfd.readouterr().err, "psql '" in page)
