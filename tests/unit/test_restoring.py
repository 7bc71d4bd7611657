"""A dump of another server is restored past what only that server has, and past nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from pgcontract import RunOptions, load_project, verify
from pgcontract.contract import FolderOptions
from pgcontract.result import Finding, Status

HEADER = "--\n-- PostgreSQL database dump\n--\n\nSET statement_timeout = 0;\n"
TABLE = "CREATE TABLE public.kites (id integer PRIMARY KEY);\n"

PASSED_OVER = {
    "an owner": f"{TABLE}ALTER TABLE public.kites OWNER TO app;",
    "an owner whom nobody may make one": f"{TABLE}ALTER TABLE public.kites OWNER TO pg_monitor;",
    "an owner in quotes": f'{TABLE}ALTER TABLE public.kites OWNER TO "App owner";',
    "a privilege": f"{TABLE}GRANT SELECT ON TABLE public.kites TO web;",
    "a privilege that is taken": f"{TABLE}REVOKE ALL ON TABLE public.kites FROM web;",
    "privileges of the future": "ALTER DEFAULT PRIVILEGES FOR ROLE app IN SCHEMA public GRANT SELECT ON TABLES TO web;",
    "a session of another": "SET SESSION AUTHORIZATION app;",
    "a setting of the future": "SET some_setting = 1;",
    "a comment on what is the server's": "COMMENT ON EXTENSION plpgsql IS 'x';",
    "a schema that is there": "CREATE SCHEMA public;",
    "a table that --clean drops": f"DROP TABLE public.kites;\n{TABLE}",
    "a key that --clean drops": f"ALTER TABLE ONLY public.kites DROP CONSTRAINT kites_pkey;\n{TABLE}",
}
REFUSED = {
    "a policy for nobody": f"{TABLE}CREATE POLICY p ON public.kites TO web USING (true);",
    "a table that is there": f"{TABLE}{TABLE}",
    "a privilege on nothing": "GRANT SELECT ON TABLE public.kites TO PUBLIC;",
    "an owner of nothing": "ALTER TABLE public.kites OWNER TO CURRENT_USER;",
    "rows that do not fit": f"{TABLE}COPY public.kites (id) FROM stdin;\n1\n1\n\\.\n",
    "a setting that is wrong": "SET statement_timeout = 'soon';",
    "a key that cannot be": f"{TABLE}ALTER TABLE public.kites ADD CONSTRAINT k FOREIGN KEY (id) REFERENCES nowhere;",
}


def judge(folder: Path, text: str, *checks: str, setup: str | None = None) -> list[Finding]:
    """What the checks say of a dump with that body."""
    (folder / "dump.sql").write_text(HEADER + text, encoding="utf-8")
    options = FolderOptions()
    if setup is not None:
        (folder / "setup.txt").write_text(setup, encoding="utf-8")
        options = FolderOptions(setup=folder / "setup.txt")
    return list(verify(load_project(folder / "dump.sql", options=options), RunOptions(only=checks)).findings)


def statuses(findings: Iterable[Finding]) -> list[tuple[str, Status]]:
    """Each check and its status."""
    return [(finding.check, finding.status) for finding in findings]


@pytest.mark.parametrize("text", PASSED_OVER.values(), ids=PASSED_OVER)
def test_restore_goes_past_what_only_another_server_has(text: str, tmp_path: Path) -> None:
    found = judge(tmp_path, text, "script.applies", "script.restores", "script.transaction")

    assert [
        ("script.applies", Status.KEPT),
        ("script.restores", Status.NOTED),
        ("script.transaction", Status.KEPT),
    ] == statuses(found)


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_restore_goes_past_nothing_else(text: str, tmp_path: Path) -> None:
    (found,) = judge(tmp_path, text, "script.applies")

    assert found.status in (Status.BROKEN, Status.UNKNOWN)


def test_privileges_of_roles_that_are_given_take_effect(tmp_path: Path) -> None:
    text = f"{TABLE}GRANT SELECT ON TABLE public.kites TO web;"
    found = judge(tmp_path, text, "script.restores", setup="\\set r web\nCREATE ROLE :r;")

    assert [("script.restores", Status.KEPT)] == statuses(found)
