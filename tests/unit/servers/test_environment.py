"""What libpq reads from the environment bends no connection to a server of ours, and nothing of it is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from command import command_in
from written_files import write_files

SECRET = "kept-to-itself"


@pytest.fixture
def surroundings(tmp_path: Path) -> dict[str, str]:
    """Somebody's own database, as his environment names it in every way there is."""
    service = tmp_path / "service.conf"
    service.write_text(f"[mine]\nhost=192.0.2.1\nuser=me\npassword={SECRET}\n", encoding="utf-8")
    passwords = tmp_path / "pgpass"
    passwords.write_text(f"*:*:*:*:{SECRET}\n", encoding="utf-8")
    passwords.chmod(0o600)
    return {
        "PGSERVICE": "mine",
        "PGSERVICEFILE": str(service),
        "PGPASSFILE": str(passwords),
        "PGPASSWORD": SECRET,
        "PGHOST": "192.0.2.1",
        "PGPORT": "1",
        "PGUSER": "me",
        "PGDATABASE": SECRET,
        "PGOPTIONS": "-c nosuch=1",
        "PGAPPNAME": SECRET,
        "PGSSLMODE": "verify-full",
        "PGSSLNEGOTIATION": "direct",
        "PGREQUIREAUTH": "scram-sha-256",
        "PGTARGETSESSIONATTRS": "standby",
        "PGDATESTYLE": "German",
        "PGTZ": "Asia/Tokyo",
    }


@pytest.mark.parametrize("broken", [{}, {"PGSERVICE": "nosuch"}], ids=["his own", "a service that is not there"])
def test_a_gate_is_the_same_and_tells_no_secret(
    tmp_path: Path,
    write_project: Callable[[Path], Path],
    room: Path,
    surroundings: dict[str, str],
    broken: dict[str, str],
) -> None:
    project = write_project(tmp_path / "schema")
    run = command_in(tmp_path)
    settings = {"PGCONTRACT_TMP": str(room), "PGCONTRACT_DEBUG": "1", **surroundings, **broken}
    actual = run("verify", project, "--report", "reports", **settings)
    written = [path.read_text("utf-8") for path in (tmp_path / "reports").rglob("*") if path.is_file()]

    assert (0, True) == (actual.code, actual.out.startswith(" CLEAR")), actual
    assert [] == [page for page in (actual.out, actual.err, *written) if SECRET in page]


def test_script_reads_times_as_ever_whoever_calls(tmp_path: Path) -> None:
    shown = "current_setting('TimeZone'), current_setting('DateStyle'), current_setting('geqo')"
    asking = f"DO $$ BEGIN RAISE EXCEPTION '% % %', {shown}; END $$;\n"
    folder = write_files(tmp_path, {"m/001_ask.sql": asking}) / "m"
    settings = {"PGDATESTYLE": "German", "PGTZ": "Asia/Tokyo", "PGGEQO": "off"}
    actual = command_in(tmp_path)("verify", folder, "--only", "script.applies", **settings)

    assert "The server rejects the script: UTC ISO, MDY on." in actual.out
