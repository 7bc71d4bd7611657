"""`-- pgcontract-ignore` in the SQL: what is one, what it is about, and what it must never silence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from command import Command
from pgcontract import RunOptions, load_project
from pgcontract.contract import IgnoreComment, Project
from pgcontract.contract.ignore_comments import read_ignore_comments
from pgcontract.errors import ContractError
from pgcontract.model.schema import Origin
from pgcontract.model.sql import make_script, make_source
from pgcontract.result import Acceptance, Finding, Severity, Status
from pgcontract.runner import plan
from pgcontract.runner.ignored import apply_comments, comment_uses
from verdict_values import STEM, chain, finding, migration
from written_files import write_files

TABLE = "CREATE TABLE public.t (a integer);"


def project_of(text: str) -> Project:
    return chain(replace(migration(STEM), up=make_script(make_source(text.encode(), f"{STEM}.sql"))))


def comments(text: str) -> tuple[IgnoreComment, ...]:
    return read_ignore_comments(project_of(text).head)


READ: dict[str, tuple[str, list[str], str]] = {
    "plain": (f"-- pgcontract-ignore a.b: why\n{TABLE}", ["a.b"], "why"),
    "without a blank": (f"--pgcontract-ignore a.b:why\n{TABLE}", ["a.b"], "why"),
    "in capitals": (f"-- PGCONTRACT-IGNORE A.B: Why\n{TABLE}", ["a.b"], "Why"),
    "more dashes": (f"---- pgcontract-ignore a.b: why\n{TABLE}", ["a.b"], "why"),
    "from another system": (f"-- pgcontract-ignore a.b: why\r\n{TABLE}\r\n", ["a.b"], "why"),
    "several": (f"-- pgcontract-ignore a.b, c.d e.f: why: so\n{TABLE}", ["a.b", "c.d", "e.f"], "why: so"),
    "a glob": (f"-- pgcontract-ignore a.*: why\n{TABLE}", ["a.*"], "why"),
    "a subject": (f"-- pgcontract-ignore a.b[public.f(integer[], text)]: why\n{TABLE}",
                  ["a.b[public.f(integer[], text)]"], "why"),
    "indented": ("CREATE TABLE x (\n    -- pgcontract-ignore a.b: why\n    a int);", ["a.b"], "why"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "checks", "reason"), READ.values(), ids=READ)
def test_a_comment_is_read(text: str, checks: list[str], reason: str) -> None:
    assert [(checks, reason, None)] == [(list(map(str, one.checks)), one.reason, one.mistake) for one in comments(text)]


NONE = {
    "in a string": "SELECT '\n-- pgcontract-ignore a.b: why\n';",
    "in an escaped string": "SELECT E'\\'\n-- pgcontract-ignore a.b: why\n';",
    "in a name": 'SELECT 1 AS "\n-- pgcontract-ignore a.b: why\n";',
    "in a body": "DO $$\n-- pgcontract-ignore a.b: why\n$$;",
    "in a body of its own tag": "DO $x$ $$\n-- pgcontract-ignore a.b: why\n$x$;",
    "in a block comment": f"/*\n-- pgcontract-ignore a.b: why\n*/ {TABLE}",
    "in a nested one": f"/* /* */\n-- pgcontract-ignore a.b: why\n*/ {TABLE}",
    "as a block comment": f"/* pgcontract-ignore a.b: why */ {TABLE}",
    "in other words": f"-- see pgcontract-ignore a.b: why\n{TABLE}",
}


@pytest.mark.parametrize("text", NONE.values(), ids=NONE)
def test_what_stands_in_something_else_is_no_comment(text: str) -> None:
    assert () == comments(text)


MISTAKEN: dict[str, tuple[str, str]] = {
    "no check": ("-- pgcontract-ignore", "names no check"),
    "no check but a reason": ("-- pgcontract-ignore: why", "names no check"),
    "no reason": ("-- pgcontract-ignore a.b", "has no reason"),
    "a blank reason": ("-- pgcontract-ignore a.b:  ", "has no reason"),
    "no colon": ("-- pgcontract-ignore a.b why", "has something else than a check behind it"),
    "an open bracket": ("-- pgcontract-ignore a.b[c: why", "has a bracket that nothing closes"),
    "another word": ("-- pgcontract-ignore-file a.b: why", "is not read"),
    "another spelling": ("-- pgcontract: ignore a.b: why", "is not read"),
}


@pytest.mark.parametrize(("text", "mistake"), MISTAKEN.values(), ids=MISTAKEN)
def test_what_is_written_wrong_is_told_and_holds_for_nothing(text: str, mistake: str) -> None:
    [comment] = comments(f"{text}\n{TABLE}")

    assert str(comment.mistake).startswith(f"{mistake}")


TWO = f"{TABLE}\nCREATE TABLE public.u (a integer);"
NOTE = "-- pgcontract-ignore column.type: why"
BROKEN = finding(Status.BROKEN, origin=Origin(file=f"{STEM}.sql", line=2))


def accepted(one: Finding, text: str) -> Status:
    project = project_of(text)
    [answer] = apply_comments([one], project, comment_uses(project))
    assert answer.accepted is (Acceptance.COMMENT if answer.status is Status.WAIVED else None)
    return answer.status


@pytest.mark.parametrize("origin", [BROKEN.origin, None], ids=["the statement that follows", "the whole script"])
def test_above_the_first_statement_it_holds_for(origin: Origin | None) -> None:
    assert Status.WAIVED is accepted(replace(BROKEN, origin=origin), f"{NOTE}\n{TWO}")


# Each way in which a comment could turn what is broken into silence.
TOLD: dict[str, tuple[Finding, str]] = {
    "another statement": (replace(BROKEN, origin=Origin(file=f"{STEM}.sql", line=3)), f"{NOTE}\n{TWO}"),
    "another check": (replace(BROKEN, check="column.default"), f"{NOTE}\n{TWO}"),
    "another subject": (BROKEN, f"{NOTE.replace('type', 'type[public.u.a]')}\n{TWO}"),
    "another file": (replace(BROKEN, origin=Origin(file="contract.toml", line=2)), f"{NOTE}\n{TWO}"),
    "another migration": (replace(BROKEN, origin=None, migration="002_u"), f"{NOTE}\n{TWO}"),
    "the script, in the middle of it": (replace(BROKEN, origin=None), f"SELECT 1; SELECT 2;\n{NOTE}\n{TWO}"),
    "what could not be asked": (replace(BROKEN, status=Status.UNKNOWN, severity=None), f"{NOTE}\n{TWO}"),
    "our own fault": (replace(BROKEN, status=Status.ERROR, severity=None), f"{NOTE}\n{TWO}"),
    "what is mended": (replace(BROKEN, resolution="mended by 002"), f"{NOTE}\n{TWO}"),
    "what is critical, by a wildcard": (
        replace(BROKEN, severity=Severity.CRITICAL),
        f"{NOTE.replace('column.type', 'column.*')}\n{TWO}",
    ),
    "without a reason": (BROKEN, f"{NOTE.partition(':')[0]}\n{TWO}"),
    "a refuted claim": (replace(BROKEN, check="claim.decided"), f"{NOTE.replace('column.type', 'claim.decided')}\n{TWO}"),
    "a waiver that has ended": (replace(BROKEN, check="waiver.live"), f"{NOTE.replace('column.type', '*')}\n{TWO}"),
    "the baseline": (replace(BROKEN, check="baseline.live"), f"{NOTE.replace('column.type', '*')}\n{TWO}"),
}


@pytest.mark.parametrize(("one", "text"), TOLD.values(), ids=TOLD)
def test_it_does_not_silence(one: Finding, text: str) -> None:
    assert one.status is accepted(one, text)


def test_what_is_critical_is_excused_by_its_name_and_stays_in_sight() -> None:
    project = project_of(f"{NOTE}\n{TWO}")
    [answer] = apply_comments([replace(BROKEN, severity=Severity.CRITICAL)], project, comment_uses(project))

    assert (True, False) == (answer.accepted_though_critical, answer.decides_nothing)


WEIGHT = {Severity.WARNING: True, Severity.INFO: True, Severity.ERROR: False, Severity.CRITICAL: False}


@pytest.mark.parametrize(("severity", "nothing"), WEIGHT.items(), ids=lambda one: getattr(one, "value", ""))
def test_only_what_is_light_decides_nothing_by_a_comment(severity: Severity, nothing: bool) -> None:
    one = finding(Status.WAIVED, severity, accepted=Acceptance.COMMENT, resolution="ignored")

    assert nothing is one.decides_nothing


def test_a_check_that_is_none_is_refused(tmp_path: Path) -> None:
    write_files(tmp_path, {"migrations/001_t.sql": f"-- pgcontract-ignore lock.time: x\n{TABLE}"})
    with pytest.raises(
        ContractError, match=r"001_t\.sql:1: no check is named 'lock\.time'; the nearest is 'lock\.timeout'"
    ):
        plan(load_project(tmp_path), RunOptions())


def test_where_nobody_can_mend_it_a_check_that_is_none_is_passed_over(tmp_path: Path) -> None:
    text = f"-- pgcontract-ignore lock.time: x\n{TABLE}"
    write_files(tmp_path, {"migrations/V1__t.sql": text, "migrations/V2__u.sql": "SELECT 1;"})

    assert plan(load_project(tmp_path), RunOptions()).items


LAYOUTS: dict[str, Mapping[str, str]] = {
    "goose": {"1_t.sql": f"-- +goose Up\n{NOTE}\n{TABLE}\n-- +goose Down\nDROP TABLE public.t;\n"},
    "dbmate": {"1_t.sql": f"-- migrate:up\n{NOTE}\n{TABLE}\n-- migrate:down\nDROP TABLE public.t;\n"},
    "sql-migrate": {"1_t.sql": f"-- +migrate Up\n{NOTE}\n{TABLE}\n-- +migrate Down\nDROP TABLE public.t;\n"},
    "golang-migrate": {"1_t.up.sql": f"{NOTE}\n{TABLE}", "1_t.down.sql": "DROP TABLE public.t;"},
    "psql": {"1_t.sql": f"\\set x 1\n{NOTE}\n{TABLE}\n"},
    "drizzle": {
        "meta/_journal.json": '{"version":"7","dialect":"postgresql","entries":'
        '[{"idx":0,"version":"7","when":1,"tag":"0000_t","breakpoints":true}]}',
        "0000_t.sql": f"SELECT 1;--> statement-breakpoint\n{NOTE}\n{TABLE}",
    },
    "prisma": {"migration_lock.toml": 'provider = "postgresql"', "1_t/migration.sql": f"{NOTE}\n{TABLE}"},
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_comment_is_found_as_each_tool_cuts_its_files(name: str, tmp_path: Path) -> None:
    project = load_project(write_files(tmp_path / "db", LAYOUTS[name]))
    [comment] = project.ignore_comments

    assert comment.mistake is None
    assert comment.statement is not None
    assert comment.statement.text.startswith("CREATE TABLE public.t")


def test_what_would_block_is_caution_by_a_comment_and_named(pgcontract: Command, tmp_path: Path) -> None:
    files: dict[str, Any] = {
        "db/1_t.sql": "CREATE TABLE public.t (id bigint PRIMARY KEY);",
        "db/2_t.sql": "-- pgcontract-ignore rows.accepted: it is empty\nALTER TABLE public.t ADD COLUMN b text NOT NULL;",
    }
    write_files(tmp_path, files)
    said = pgcontract("verify", "db", "--only", "rows.accepted")

    assert 0 == said.code
    assert "1 finding that would block is ignored: rows.accepted[public.t]" in said.out
    assert "rows.accepted[public.t] is ignored at db/2_t.sql:1: it is empty" in said.out
