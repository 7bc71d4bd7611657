"""A statement that no transaction allows is answered with how its tool runs one outside of it, and that works."""

from __future__ import annotations

from pathlib import Path

from case_tables import cases
from pgcontract import RunOptions, load_project, verify
from pgcontract.result import Status
from written_files import write_files

MADE = "CREATE TABLE t (a int);"
INDEXED = "CREATE INDEX CONCURRENTLY i ON t (a);"
CARGO = {"Cargo.toml": '[dependencies]\nsqlx = "1"\n'}


def applied(folder: Path, files: dict[str, str]) -> list[tuple[Status, str]]:
    """What becomes of the last file, with what to do about it."""
    project = load_project(write_files(folder, files) / "m")
    run = verify(project, RunOptions(only=("script.applies",)))
    return [(finding.status, finding.remedy or "") for finding in run.findings if finding.migration == project.head.key]


@cases(("files", "remedy", "done"), {
    "goose": ({"m/1_a.sql": f"-- +goose Up\n{MADE}\n", "m/2_b.sql": f"-- +goose Up\n{INDEXED}\n"},
        "Move it to a file of its own with “-- +goose NO TRANSACTION” at its top.",
        {"m/2_b.sql": f"-- +goose NO TRANSACTION\n-- +goose Up\n{INDEXED}\n"}),
    "dbmate": (
        {name: f"-- migrate:up\n{sql}\n-- migrate:down\n" for name, sql in (("m/1_a.sql", MADE), ("m/2_b.sql", INDEXED))},
        "Move it to a file of its own, with transaction:false behind its “-- migrate:up”.",
        {"m/2_b.sql": f"-- migrate:up transaction:false\n{INDEXED}\n-- migrate:down\n"}),
    "sqlx": (CARGO | {"m/1_a.sql": MADE, "m/2_b.sql": INDEXED},
        "Move it to a file of its own that opens with “-- no-transaction”.",
        {"m/2_b.sql": f"-- no-transaction\n{INDEXED}"}),
    "diesel": ({"m/1_a/up.sql": MADE, "m/2_b/up.sql": INDEXED},
        "Move it to a migration of its own, with run_in_transaction = false in its metadata.toml.",
        {"m/2_b/metadata.toml": "run_in_transaction = false\n"}),
    "golang-migrate": ({"m/1_a.up.sql": MADE, "m/2_b.up.sql": f"SELECT 1;\n{INDEXED}"},
        "Give it a file of its own: the server takes statements that are sent at once for one transaction.",
        {"m/2_b.up.sql": INDEXED}),
})  # fmt: skip
def test_remedy_is_the_tools_own_and_works(
    files: dict[str, str], remedy: str, done: dict[str, str], tmp_path: Path
) -> None:
    assert [(Status.BROKEN, remedy)] == applied(tmp_path, files)
    assert [(Status.KEPT, "")] == applied(tmp_path, done)
