"""Roles belong to the cluster: a chain makes and drops them in each of its databases as if that were the only one."""

from __future__ import annotations

from pathlib import Path

import pytest
from pgcontract import RunOptions, Status, load_project, verify
from pgcontract.contract import FolderOptions

T = "CREATE TABLE public.t(id bigint PRIMARY KEY);"
MEMBER = "DO $$ BEGIN IF NOT pg_has_role('chain_a', 'chain_b', 'member') THEN RAISE 'it was lost'; END IF; END $$"
DROP = "REVOKE ALL ON t FROM chain_a; DROP ROLE chain_a"
OTHER = "CREATE TABLE public.u(id bigint PRIMARY KEY)"
CHAINS = {
    "made within a stretch": [T, "CREATE ROLE chain_a; GRANT SELECT ON t TO chain_a", "GRANT INSERT ON t TO chain_a",
                              OTHER],
    "made a member": [T + "CREATE ROLE chain_a; CREATE ROLE chain_b", "GRANT chain_b TO chain_a", OTHER, MEMBER,
                      T.replace("t(", "v(")],
    "dropped": [T + "CREATE ROLE chain_a; GRANT SELECT ON t TO chain_a", DROP, OTHER],
    "made again": [T + "CREATE ROLE chain_a; GRANT SELECT ON t TO chain_a", DROP, "CREATE ROLE chain_a", OTHER],
}  # fmt: skip


def write(folder: Path, chain: list[str]) -> Path:
    for number, text in enumerate(chain, 1):
        (folder / f"{number:03}_x.sql").write_text(f"{text};\n")
    return folder


@pytest.mark.parametrize("platform", ["postgres", "supabase"])
@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_a_chain_that_makes_roles_is_replayed(chain: list[str], platform: str, tmp_path: Path) -> None:
    project = load_project(write(tmp_path, chain), options=FolderOptions(platform=platform))
    run = verify(project, RunOptions(only=("script.applies",)))

    assert [] == [finding.summary for finding in run.findings if finding.status is not Status.KEPT]


def test_a_drop_that_only_the_runs_own_copies_hinder_is_no_fault_of_the_script(tmp_path: Path) -> None:
    project = load_project(write(tmp_path, [T + "CREATE ROLE chain_a; GRANT SELECT ON t TO chain_a", DROP]))
    run = verify(project, RunOptions(only=("script.applies",)))

    assert [Status.KEPT, Status.UNKNOWN] == [finding.status for finding in run.findings]


def test_password_of_a_refused_statement_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "001_app.sql").write_text("CREATE ROLE app PASSWORD 'geheim' SUPERUSER;\n", encoding="utf-8")
    run = verify(load_project(tmp_path / "001_app.sql"), RunOptions(only=("script.applies",)))

    assert "CREATE ROLE app PASSWORD '…' SUPERUSER" == run.findings[0].evidence[1].text
