"""The baseline: what it knows, and what it must never silence. Pure, but for the end, where the command writes one."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from command import Command, command_here
from pgcontract import Decision, Run, RunOptions, load_project, verify
from pgcontract.contract import Baseline, Migration, Project, baseline_text, read_baseline
from pgcontract.model.schema import Origin
from pgcontract.model.sql import make_script, make_source
from pgcontract.reporting import render
from pgcontract.result import Acceptance, Evidence, Finding, Severity, Status
from pgcontract.runner import verify_with_baseline
from pgcontract.runner.baselined import Asked, accept_known, match_baseline, new_entries
from refusals import refusal
from verdict_values import STEM, chain, finding, item, migration
from written_files import write_files

TABLE = "CREATE TABLE public.t (a integer);"
ASKED = Asked(items=[item("column.type", "public.t.a")])


def project_of(*texts: str) -> Project:
    return chain(*(_migration(f"00{number}_t", text) for number, text in enumerate(texts, 1)))


def _migration(key: str, text: str) -> Migration:
    return replace(migration(key), up=make_script(make_source(text.encode(), f"{key}.sql")))


def broken(severity: Severity = Severity.ERROR, *, line: int = 1, key: str = STEM, **said: Any) -> Finding:
    return finding(Status.BROKEN, severity, origin=Origin(file=f"{key}.sql", line=line), migration=key, **said)


def baseline(*known: Finding, of: Project) -> Baseline:
    return Baseline(path="b.toml", entries=new_entries(known, of, before=None, match=None))


def statuses(told: list[Finding], project: Project, known: Baseline) -> list[Status]:
    return [one.status for one in accept_known(told, known, match_baseline(known, told, project, ASKED))]


ONE, TWICE = project_of(TABLE), project_of(f"{TABLE}\n{TABLE.replace('public.t', 'public.u')}")
KNOWN = baseline(broken(), of=ONE)
SAME: dict[str, tuple[Finding, str]] = {
    "as it was": (broken(), TABLE),
    "with another example": (broken(summary="It is text, as in 'b'.", actual="text"), TABLE),
    "lighter": (broken(Severity.WARNING), TABLE),
    "on another line": (broken(line=4), f"-- why\n\n\n{TABLE}"),
    "in another spelling": (broken(), "create table /* x */ PUBLIC.t\t(A integer) -- y\r\n;"),
    "with another statement before it": (broken(line=2), f"SELECT 1;\n{TABLE}"),
}


@pytest.mark.parametrize(("one", "text"), SAME.values(), ids=SAME)
def test_a_known_finding_is_the_same(one: Finding, text: str) -> None:
    assert [Status.WAIVED] == statuses([one], project_of(text), KNOWN)


# Each way in which a baseline could turn what is broken into silence.
NEW: dict[str, tuple[list[Finding], Project]] = {
    "another check": ([broken(check="column.nullability")], ONE),
    "another subject": ([broken(subject="public.t.b")], ONE),
    "an edited statement": ([broken()], project_of(TABLE.replace("integer", "text"))),
    "the same statement in another migration": ([broken(key="002_t")], project_of("SELECT 1;", TABLE)),
    "graver": ([broken(Severity.CRITICAL)], ONE),
    "twice where it was once": ([broken(), broken(summary="And so.")], ONE),
    "another statement of the file": ([broken(line=2)], TWICE),
    "one without a place": ([replace(broken(), origin=None)], TWICE),
    "what could not be asked": ([finding(Status.UNKNOWN, origin=Origin(file=f"{STEM}.sql", line=1))], ONE),
    "our own fault": ([finding(Status.ERROR, origin=Origin(file=f"{STEM}.sql", line=1))], ONE),
}


@pytest.mark.parametrize(("told", "project"), NEW.values(), ids=NEW)
def test_what_is_new_is_told(told: list[Finding], project: Project) -> None:
    assert [one.status for one in told] == statuses(told, project, KNOWN)


# What no CREATE of the chain names is known by the statement that first speaks of it.
MADE = "DO $$BEGIN EXECUTE 'CREATE TABLE public.made (a integer)'; END$$;"
KEYLESS = finding(Status.BROKEN, check="table.primary_key", subject="public.made")


@pytest.mark.parametrize(("later", "status"), [
    ((), Status.WAIVED),
    (("ALTER TABLE public.made ADD b integer;",), Status.WAIVED),
    (("DROP TABLE public.made;", MADE), Status.BROKEN),
    (("DROP TABLE public.made;", "SELECT make('made');"), Status.BROKEN),
], ids=["the same", "spoken of later", "made again", "made otherwise"])  # fmt: skip
def test_what_a_block_made_is_new_when_it_is_made_anew(later: tuple[str, ...], status: Status) -> None:
    project = project_of(MADE, *later)
    told = replace(KEYLESS, migration=project.head.key)

    assert [status] == statuses([told], project, baseline(KEYLESS, of=project_of(MADE)))


# One finding about all tables of a kind: a table more is no other example.
ALL = {"check": "access.service_role", "subject": "catalog"}
SHUT = broken(Severity.WARNING, summary="service_role can read neither public.t nor public.u.", **ALL)


@pytest.mark.parametrize(
    ("summary", "status"),
    [("It can read neither public.u nor public.t.", Status.WAIVED), ("Nor public.t, public.u, public.v.", Status.BROKEN)],
    ids=["the same", "one more"],
)
def test_a_finding_about_many_things_is_new_when_there_are_more(summary: str, status: Status) -> None:
    assert [status] == statuses([replace(SHUT, summary=summary)], TWICE, baseline(SHUT, of=TWICE))


# What is open, to whom and for what: one power more is another finding, told at the place at which the table is made.
OPEN = {"check": "access.public", "subject": "table public.t"}
READ = broken(Severity.WARNING, summary="PUBLIC, which is every role, has SELECT on the table public.t.", **OPEN)
REACHED = Evidence(title="What they reached", columns=("who", "operation", "rows"), rows=(("anon", "SELECT", "2 rows"),))
REACHABLE = broken(
    Severity.CRITICAL, check="table.row_security", summary="public.t is open: anon reads 2 rows.", evidence=(REACHED,)
)
POWERS: dict[str, tuple[Finding, Finding, Status]] = {
    "no more": (READ, READ, Status.WAIVED),
    "less": (replace(READ, summary=READ.summary.replace("SELECT", "DELETE, SELECT")), READ, Status.WAIVED),
    "a privilege more": (READ, replace(READ, summary=READ.summary.replace("SELECT", "DELETE, SELECT")), Status.BROKEN),
    "other rows": (REACHABLE, replace(REACHABLE, summary="public.t is open: anon reads 7 rows."), Status.WAIVED),
    "to be written too": (REACHABLE, replace(REACHABLE, summary="public.t is open: anon reads 2 rows and deletes."),
                          Status.BROKEN),
    "to somebody else too": (REACHABLE,
        replace(REACHABLE, evidence=(replace(REACHED, rows=(*REACHED.rows, ("a signed-in user", "DELETE", "2 rows"))),)),
        Status.BROKEN),
}  # fmt: skip


@pytest.mark.parametrize(("was", "now", "status"), POWERS.values(), ids=POWERS)
def test_what_is_known_to_be_read_is_not_known_to_be_written(was: Finding, now: Finding, status: Status) -> None:
    assert [status] == statuses([now], ONE, baseline(was, of=ONE))


@pytest.mark.parametrize("status", [Status.UNKNOWN, Status.ERROR, Status.KEPT, Status.NOTED], ids=lambda one: one.name)
def test_only_what_is_broken_is_written(status: Status) -> None:
    assert () == new_entries([finding(status)], ONE, before=None, match=None)


@pytest.mark.parametrize("check", ["claim.decided", "waiver.live", "baseline.live"])
def test_what_is_decided_of_waivers_and_claims_is_never_written(check: str) -> None:
    assert () == new_entries([broken(check=check, subject="A")], ONE, before=None, match=None)


def test_what_is_mended_is_not_written() -> None:
    assert () == new_entries([broken(resolution="mended by 002")], ONE, before=None, match=None)


def test_what_was_not_asked_stays_as_it_was() -> None:
    match = match_baseline(KNOWN, [], ONE, Asked(items=[], left_out=ASKED.items))

    assert KNOWN.entries == new_entries([], ONE, before=KNOWN, match=match)


def test_another_example_changes_nothing_in_the_file() -> None:
    told = [broken(summary="It is text, as in 'b'.")]

    assert KNOWN.entries == new_entries(told, ONE, before=KNOWN, match=match_baseline(KNOWN, told, ONE, ASKED))


GONE: dict[str, tuple[list[Finding], str]] = {
    "fixed": ([finding(Status.KEPT)], "it is broken no more"),
    "mended": ([broken(resolution="mended by 002")], "it is mended by 002"),
    "graver": ([broken(Severity.CRITICAL)], "it is critical now, and was an error"),
    "more": ([broken(), broken()], "there are 2 of it now, and 1 before"),
}


@pytest.mark.parametrize(("told", "why"), GONE.values(), ids=GONE)
def test_an_entry_applies_no_more(told: list[Finding], why: str) -> None:
    assert [why] == list(match_baseline(KNOWN, told, ONE, ASKED).gone.values())


UNASKED: dict[str, tuple[list[Finding], Asked]] = {
    "left out": ([], replace(ASKED, left_out=ASKED.items)),
    "of a check that was left out elsewhere": ([], replace(ASKED, left_out=[item("column.type", "public.t.b")])),
    "before the head": ([], replace(ASKED, whole=False)),
    "without an answer": ([finding(Status.UNKNOWN)], ASKED),
    "failed": ([finding(Status.ERROR)], ASKED),
    "only noted": ([finding(Status.NOTED)], ASKED),
    "of a migration that is not judged": ([], Asked(items=[item("script.applies", "script")])),
}


@pytest.mark.parametrize(("told", "asked"), UNASKED.values(), ids=UNASKED)
def test_nothing_is_said_of_what_was_not_asked(told: list[Finding], asked: Asked) -> None:
    match = match_baseline(KNOWN, told, ONE, asked)

    assert ({}, {KNOWN.entries[0].key}) == (match.gone, match.unasked)


def test_what_a_deploy_did_that_is_applied_is_past() -> None:
    project = replace(project_of(TABLE, "SELECT 1;"), applied=STEM)
    match = match_baseline(KNOWN, [], project, Asked(items=[item("column.type", "x", "002_t")]))

    assert {KNOWN.entries[0].key} == match.past


def test_the_file_is_sorted_and_read_back() -> None:
    told = [broken(subject="public.t.b"), broken(summary="Quotes: \"a\" and 'b'\nand lines."), broken(Severity.WARNING)]
    entries = new_entries(told, ONE, before=None, match=None)

    assert baseline_text(entries) == baseline_text(reversed(entries))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    told = [broken(subject="public.t.b"), broken(summary="Quotes: \"a\" and 'b'\nand lines."), broken(Severity.WARNING)]
    entries = new_entries(told, ONE, before=None, match=None)
    (tmp_path / "b.toml").write_text(baseline_text(entries), encoding="utf-8")

    assert entries == tuple(replace(entry, line=None) for entry in read_baseline(tmp_path / "b.toml").entries)


ENTRY = '[[finding]]\ncheck = "a.b"\nsubject = "c"\nseverity = "error"\n'
UNREAD: dict[str, tuple[str | None, str]] = {
    "missing": (None, "b.toml: there is no such file; --write-baseline writes it, from what is wrong today"),
    "foreign": ("[tool]\nx = 1\n", "b.toml: is no baseline of pgcontract: it has no `format = 1` at its top"),
    "empty": ("", "b.toml: is no baseline of pgcontract"),
    "newer": ("format = 2\n", "b.toml: is a baseline of format 2, and this pgcontract reads 1; use the version"),
    "damaged": (f"format = 1\n{ENTRY[:-8]}", "b.toml:5: this is not TOML"),
    "of an unknown key": (f"format = 1\n{ENTRY}lines = 3\n", "b.toml:6: `lines` is not known in finding[1]"),
    "of a wrong digest": (f'format = 1\n{ENTRY}statement = "x"\n',
                          "b.toml:6: finding[1].statement: the text 'x' has not"),
    "of a severity that is none": (f"format = 1\n{ENTRY.replace('error', 'fatal')}",
                                   "b.toml:5: finding[1].severity: the text 'fatal' is not known"),
    "of an entry twice": (f"format = 1\n{ENTRY}{ENTRY}", "b.toml:6: a.b[c] is there twice; remove one"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), UNREAD.values(), ids=UNREAD)
def test_what_is_no_baseline_is_one_error(
    text: str | None, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if text is not None:
        Path("b.toml").write_text(text, encoding="utf-8")

    assert refusal(read_baseline, Path("b.toml")).startswith(message)


FILES = {
    "db/001_t.sql": "CREATE TABLE public.t (a integer);\nCREATE TABLE public.u (a integer);",
    "db/002_v.sql": "CREATE TABLE public.v (id bigint PRIMARY KEY);",
}
FILE = "db.pgcontract-baseline.toml"


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """A folder of migrations with a baseline, after days: what was said on each."""
    folder = write_files(tmp_path_factory.mktemp("lived"), FILES)
    run = command_here(folder)
    said: dict[str, Any] = {"first": run("verify", "db", "--write-baseline"), "text": (folder / FILE).read_text("utf-8")}
    # The other table gets its key, the file a comment, and the chain a table without a key.
    edited = FILES["db/001_t.sql"].replace("u (a integer)", "u (a integer PRIMARY KEY)")
    (folder / "db/001_t.sql").write_text(f"-- comment\n{edited}", encoding="utf-8")
    (folder / "db/003_w.sql").write_text("CREATE TABLE public.w (a integer);", encoding="utf-8")
    said["later"] = run("verify", "db", "--json", "run.json")
    said["selection"] = run("verify", "db", "--prune-baseline", "--only", "table.*")
    said["through"] = run("verify", "db", "--prune-baseline", "--through", "002")
    said["unpruned"] = (folder / FILE).read_text("utf-8")
    said["pruned"] = run("verify", "db", "--prune-baseline")
    said["after"] = (folder / FILE).read_text("utf-8")
    said["judged without"] = run("verify", "db", "--no-baseline", "--only", "table.*")
    return said


def known(text: str) -> list[str]:
    return [f"{entry['check']}[{entry['subject']}]" for entry in tomllib.loads(text)["finding"]]


def test_what_is_wrong_is_written_and_decides_nothing_from_then_on(lived: Mapping[str, Any]) -> None:
    said = lived["first"]

    assert (0, f"wrote {FILE}: 2 entries, 2 new", ["table.primary_key[public.t]", "table.primary_key[public.u]"]) == (
        said.code,
        said.err.strip().splitlines()[-1],
        known(lived["text"]),
    )
    assert "CLEAR" in said.out
    assert f"2 findings are in {FILE}, and decide nothing" in said.out


def test_later_only_what_is_new_and_what_applies_no_more_is_told(lived: Mapping[str, Any]) -> None:
    shown = [line for line in lived["later"].out.splitlines() if line.startswith("✗")]

    assert ["✗ BROKEN (warning) table.primary_key[public.w]", f"✗ BROKEN (warning) baseline.live[{FILE}]"] == shown


@pytest.mark.parametrize("selection", ["selection", "through"])
def test_a_selection_prunes_nothing(lived: Mapping[str, Any], selection: str) -> None:
    assert (2, lived["text"]) == (lived[selection].code, lived["unpruned"])
    assert "--prune-baseline goes with a run of all checks over the whole chain" in lived[selection].err


def test_pruning_removes_what_applies_no_more_and_adds_nothing(lived: Mapping[str, Any]) -> None:
    assert (f"wrote {FILE}: 1 entry, 1 removed", ["table.primary_key[public.t]"]) == (
        lived["pruned"].err.strip().splitlines()[-1],
        known(lived["after"]),
    )


def test_without_the_baseline_everything_is_told(lived: Mapping[str, Any]) -> None:
    assert "2 broken" in lived["judged without"].out


def critical(write: Callable[[Path], Path], root: Path) -> Run:
    """A table that the public may read, which the contract does not say, and a baseline that knows it."""
    write_files(
        write(root),
        {
            "migrations/002_open.sql": "GRANT SELECT ON public.note TO PUBLIC;",
            "contracts/002_open/contract.toml": 'migration = "002_open.sql"\ncomments = "optional"\n',
        },
    )
    project = load_project(root)
    _, known = verify_with_baseline(
        project, RunOptions(only=("access.grants",)), path=root / "pgcontract-baseline.toml", prune=False
    )
    (root / "pgcontract-baseline.toml").write_text(baseline_text(known.entries), encoding="utf-8")
    return verify(load_project(root), RunOptions(only=("access.grants",)))


def test_what_is_critical_stays_on_the_first_screen(tmp_path: Path, write_project: Callable[[Path], Path]) -> None:
    run = critical(write_project, tmp_path / "schema")
    accepted = [one for one in run.findings if one.accepted is Acceptance.BASELINE]

    assert ([Severity.CRITICAL], Decision.CAUTION) == ([one.severity for one in accepted], run.verdict.decision)
    assert f"critical finding is in the baseline: {accepted[0].item}" in run.verdict.reasons[0]
    assert f"WAIVED (critical) {accepted[0].item}" in render(run, "text")
    assert "::warning" in render(run, "github")
    assert '"severity": "critical"' in render(run, "gitlab")
    assert '"kind": "external"' in render(run, "sarif")
    assert "**WAIVED (critical)**" in render(run, "markdown").partition("\n## ")[2].partition("\n## ")[0]


REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "both": (("--write-baseline", "--prune-baseline"), "leave one out"),
    "none and one": (("--no-baseline", "--baseline", "b.toml"), "--no-baseline judges without one"),
    "nothing to prune": (("--prune-baseline",), "there is no baseline to prune"),
    "a missing one": (("--baseline", "b.toml"), "b.toml: there is no such file"),
    "somebody's file": (("--write-baseline", "--baseline", "db/001_t.sql"), "this is not TOML"),
    "a folder": (("--write-baseline", "--baseline", "db"), "is a folder"),
}


@pytest.mark.parametrize(("words", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_meant_is_refused_before_a_server_starts(
    pgcontract: Command, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    write_files(tmp_path, FILES)
    said = pgcontract("verify", "db", "--pg", "17", *words)

    assert (2, "") == (said.code, said.out)
    assert message in said.err
    assert FILES["db/001_t.sql"] == (tmp_path / "db/001_t.sql").read_text("utf-8")
