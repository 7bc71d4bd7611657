"""One call plans, asks and concludes: what is chosen, what is refused, and how a chain inherits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from case_tables import cases
from pgcontract import RunOptions, load_project, verify
from pgcontract.errors import ContractError
from pgcontract.reporting.json import from_json, to_json
from pgcontract.result import Decision, MigrationName, Run, Status
from pgcontract.runner import plan
from refusals import refusal
from written_files import write_files

FIRST = "CREATE TABLE public.note (id integer PRIMARY KEY, body varchar(10));"
FIRST_CONTRACT = """
comments = "optional"

[table."public.note"]
primary_key = ["id"]
columns.id = { type = "integer" }
columns.body = { type = "varchar(10)" }
"""
SECOND = "ALTER TABLE public.note ALTER COLUMN body TYPE text; ALTER TABLE public.note ADD COLUMN author text;"
SECOND_CONTRACT = """
comments = "optional"

[table."public.note"]
columns.body = { type = "text" }
columns.author = { type = "text" }
"""
SHAPE = ("table.*", "column.*", "constraint.*", "index.*", "object.declared")


def write(root: Path, *migrations: tuple[str, str, str | None]) -> Path:
    """A project of these (stem, script, contract)."""
    for stem, script, contract in migrations:
        write_files(root, {f"migrations/{stem}.sql": script})
        if contract is not None:
            write_files(root, {f"contracts/{stem}/contract.toml": f'migration = "{stem}.sql"\n{contract}'})
    return root


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    """Two migrations, the second of which changes what the first made."""
    return write(tmp_path, ("001_note", FIRST, FIRST_CONTRACT), ("002_text", SECOND, SECOND_CONTRACT))


@pytest.fixture
def project(tmp_path: Path, write_project: Callable[[Path], Path]) -> Path:
    return write_project(tmp_path / "schema")


def claims(project: Path, text: str) -> None:
    (project / "contracts" / "001_note" / "claims.toml").write_text(text)


def verified(project: Path, **options: Any) -> Run:
    return verify(load_project(project), RunOptions(**options))


def names(project: Path, **options: tuple[str, ...]) -> list[str]:
    return [item.name for item in plan(load_project(project), RunOptions(**options)).items]


def not_kept(run: Run) -> list[tuple[str, str, Status]]:
    return [
        (finding.migration, finding.item, finding.status)
        for finding in run.findings
        if finding.status not in (Status.KEPT, Status.NOTED)
    ]


# Plan


def test_every_declared_part_is_planned(project: Path) -> None:
    assert ["column.type[body]", "column.type[id]"] == names(project, only=("column.type",))


@pytest.mark.parametrize(
    "glob", ["column.type[body]", "column.type[public.note.body]", "column.t*[bod?]", "*[body]"], ids=str
)
def test_only_takes_a_check_with_its_label_or_subject(project: Path, glob: str) -> None:
    assert "column.type[body]" in names(project, only=(glob,))


def test_skip_leaves_out_what_only_took(project: Path) -> None:
    assert ["column.type[id]"] == names(project, only=("column.type",), skip=("*[body]",))


@pytest.mark.parametrize(
    ("said", "complete"), [({}, True), ({"skip": ("information_schema.*",)}, False)], ids=["all", "some"]
)
def test_a_selection_is_not_complete(project: Path, said: dict[str, tuple[str, ...]], complete: bool) -> None:
    assert complete is plan(load_project(project), RunOptions(**said)).complete


CLAIMS = """
[[claim]]
id = "A"
description = "A body is text"
checks = ["column.type[public.note.body]", "object.declared[table public.more]"]

[[claim]]
id = "B"
description = "Nobody knows"
untestable = "nobody looked"
"""
WAIVER = """
[[waiver]]
check = "object.declared"
subject = "table public.more"
reason = "it goes soon"
owner = "Ann"
until = 2020-01-01
"""


@pytest.mark.parametrize(("said", "decided"), [
    ({}, ["claim.decided[A]", "claim.decided[B]", "waiver.live[object.declared[table public.more]]"]),
    ({"only": ("column.*",)}, []),
    ({"only": ("*.declared",)}, ["waiver.live[object.declared[table public.more]]"]),
    ({"only": ("column.*", "object.*")}, ["claim.decided[A]", "waiver.live[object.declared[table public.more]]"]),
    ({"only": ("claim.decided[B]",)}, ["claim.decided[B]"]),
    ({"only": ("claim.decided[A]",)}, ["claim.decided[A]", "waiver.live[object.declared[table public.more]]"]),
    ({"only": ("claim.decided[A]",), "skip": ("waiver.live",)}, ["claim.decided[A]"]),
    ({"only": ("claim.*",), "skip": ("object.*",)}, ["claim.decided[B]"]),
    ({"skip": ("claim.*",)}, ["waiver.live[object.declared[table public.more]]"]),
], ids=str)  # fmt: skip
def test_a_selection_decides_what_it_names_or_asks_in_full(
    project: Path, said: dict[str, tuple[str, ...]], decided: list[str]
) -> None:
    claims(project, CLAIMS)
    with (project / "contracts/001_note/contract.toml").open("a", encoding="utf-8") as contract:
        contract.write(WAIVER)
    planned = plan(load_project(project), RunOptions(**said))

    assert (decided, not said) == (
        [item.name for item in planned.decisions if item not in planned.undecided],
        planned.complete,
    )


def test_a_claim_about_what_an_earlier_contract_declares_is_asked_there(tmp_path: Path) -> None:
    lines = '[[verification]]\nid = "V"\ndescription = "One"\nsql = "SELECT 1"\nrow_count = 1\n'
    project = write(tmp_path, ("001_note", FIRST, FIRST_CONTRACT + lines), ("002_text", SECOND, SECOND_CONTRACT))
    write_files(
        project,
        {
            "contracts/002_text/claims.toml": '[[claim]]\nid = "A"\ndescription = "It is so"\n'
            'checks = ["verification.query[V]"]\n'
        },
    )
    run = verify(load_project(project), RunOptions(only=("claim.decided",)))

    assert [("A", "upheld", "002_text")] == [(claim.id, claim.outcome.value, claim.migration) for claim in run.claims]


@pytest.mark.parametrize(("glob", "message"), [
    ("colum.type", "'colum.type' selects no check; the nearest is column.type."),
    ("column.type[bodi]", "'column.type[bodi]' is a check, but this project declares nothing"),
    ("view.definition", "'view.definition' is a check, but this project declares nothing"),
])  # fmt: skip
def test_a_glob_that_selects_nothing_is_refused(project: Path, glob: str, message: str) -> None:
    assert message in refusal(lambda: plan(load_project(project), RunOptions(only=(glob,))))


def test_an_unknown_check_in_a_claim_is_refused_with_its_line_and_the_nearest(project: Path) -> None:
    claims(
        project, '[[claim]]\nid = "A"\ndescription = "It is so"\nchecks = [\n    "table.present",\n    "colum.type",\n]\n'
    )
    with pytest.raises(ContractError) as refused:
        plan(load_project(project))
    issue = refused.value

    assert ("claims.toml", 6, "no check is named 'colum.type'; the nearest is 'column.type'") == (
        Path(issue.file or "").name,
        issue.line,
        issue.message,
    )


def test_an_unknown_check_in_a_correction_is_refused(project: Path) -> None:
    claims(
        project,
        '[[claim]]\nid = "A"\ndescription = "One"\nchecks = ["schema.count[tables = 1]"]\n'
        '[claim.corrected]\ndescription = "Two"\nchecks = ["schema.counts[tables = 2]"]\n',
    )
    with pytest.raises(ContractError, match=r"no check is named 'schema\.counts'"):
        plan(load_project(project))


def test_an_unknown_check_in_a_waiver_is_refused(project: Path) -> None:
    contract = project / "contracts" / "001_note" / "contract.toml"
    with contract.open("a") as file:
        file.write('[[waiver]]\ncheck = "no.such"\nreason = "r"\nowner = "o"\nuntil = 2999-01-01\n')
    with pytest.raises(ContractError, match=r"no check is named 'no\.such'"):
        plan(load_project(project))


# The chain


def test_each_migration_is_judged_by_what_is_declared_by_then(chain: Path) -> None:
    actual = {(finding.migration, finding.subject) for finding in verified(chain, only=("column.type",)).findings}

    assert {
        ("001_note", "public.note.id"),
        ("001_note", "public.note.body"),
        ("002_text", "public.note.id"),
        ("002_text", "public.note.body"),
        ("002_text", "public.note.author"),
    } == actual


NOTE, TEXT = ("001_note", FIRST, FIRST_CONTRACT), ("002_text", SECOND, SECOND_CONTRACT)


@cases(("migrations", "only", "expected"), {
    "a later contract inherits and changes": ([NOTE, TEXT], SHAPE, []),
    "a later migration breaks an earlier promise": (
        [NOTE, ("002_drop", "ALTER TABLE public.note DROP COLUMN body;", 'comments = "optional"')], ("column.present",),
        [("002_drop", "column.present[public.note.body]", Status.BROKEN)]),
    "a first migration without a contract is what stood before": (
        [("001_old", "CREATE TABLE public.old (id integer PRIMARY KEY);", None), ("002_note", FIRST, FIRST_CONTRACT)],
        SHAPE, []),
    "a refused migration leaves the next one unknown": (
        [("001_note", "CREATE TABLE public.note (id integre);", FIRST_CONTRACT), ("002_text", SECOND, None)],
        ("script.applies",),
        [("001_note", "script.applies[script]", Status.BROKEN), ("002_text", "script.applies[script]", Status.UNKNOWN)]),
})  # fmt: skip
def test_a_chain_is_judged_by_what_is_declared_so_far(
    migrations: list[tuple[str, str, str | None]],
    only: tuple[str, ...],
    expected: list[tuple[str, str, Status]],
    tmp_path: Path,
) -> None:
    assert expected == not_kept(verified(write(tmp_path, *migrations), only=only))


def test_what_is_removed_must_be_gone(tmp_path: Path) -> None:
    removed = 'comments = "optional"\ntable."public.note".columns.body.removed = true'
    chain = write(tmp_path, ("001_note", FIRST, FIRST_CONTRACT), ("002_drop", "SELECT 1;", removed))

    assert [("002_drop", "column public.note.body")] == [
        (finding.migration, finding.subject)
        for finding in verified(chain, only=("object.declared",)).findings
        if finding.blocks
    ]


def test_a_migration_without_a_contract_after_one_may_not_undo_its_promises(tmp_path: Path) -> None:
    chain = write(tmp_path, ("001_note", FIRST, FIRST_CONTRACT), ("002_old", "DROP TABLE public.note;", None))

    assert ("002_old", "table.present[public.note]", Status.BROKEN) in not_kept(verified(chain, only=SHAPE))


@pytest.mark.parametrize("word", ["001", "1", "001_note", "001_note.sql"])
def test_through_moves_the_head(chain: Path, word: str) -> None:
    run = verified(chain, only=("column.type",), through=word)

    assert ("001_note", (MigrationName(key="001_note", display_name="001"),)) == (run.migration, run.chain)


# Runs


def test_the_same_run_twice_gives_the_same_findings(chain: Path) -> None:
    first, second = (verified(chain, skip=("information_schema.*",)) for _ in range(2))

    assert (first.findings, first.claims, first.verdict) == (second.findings, second.claims, second.verdict)


def test_a_chain_that_keeps_its_word_has_nothing_to_block(project: Path) -> None:
    run = verified(project)

    assert (Decision.CLEAR, []) == (run.verdict.decision, not_kept(run))


def test_without_a_server_text_is_judged_and_the_rest_is_unknown(project: Path) -> None:
    run = verified(project, pg="none")
    folder = {
        f"migration.{promise}" for promise in ("accepted", "consecutive", "order", "placeholders", "read", "unique")
    }
    named = {f"object.{promise}" for promise in ("name_whole", "not_cascaded", "not_skipped", "replaced_whole")}
    text = {
        "contract.accepted", "script.objects_created", "script.parsed", "rollback.exists", "rows.counted_once",
        "rows.determined", "rows.not_missed", "script.secrets",
    }  # fmt: skip
    text |= named | folder

    assert (Decision.INCOMPLETE, text) == (
        run.verdict.decision,
        {finding.check for finding in run.findings if finding.status is Status.KEPT},
    )


def test_a_run_says_of_every_check_it_has_a_finding_of_what_that_is(project: Path) -> None:
    claims(project, '[[claim]]\nid = "T1"\ndescription = "It is there"\nchecks = ["table.present"]\n')
    run = verified(project, pg="none")

    assert {finding.check for finding in run.findings} == {check.id for check in run.checks} >= {"claim.decided"}


def test_without_a_contract_the_life_of_the_script_is_judged_and_its_indexes(tmp_path: Path) -> None:
    (tmp_path / "001_note.sql").write_text(FIRST)
    actual = {finding.check.partition(".")[0] for finding in verified(tmp_path / "001_note.sql").findings}

    state = {
        "access", "constraint", "expression", "extension", "foreign_key", "function", "index", "information_schema",
        "object", "policy", "sequence", "table", "trigger", "unique", "column",
    }  # fmt: skip
    assert {"migration", "script", "rollback", "lock", "rows"} | state == actual


def test_a_file_above_5_mb_is_loaded_and_its_text_is_noted_as_unread(project: Path) -> None:
    with (project / "migrations" / "001_note.sql").open("a") as file:
        file.write(f"-- {'x' * 5_300_000}\n")
    run = verified(project, only=("script.parsed", "script.objects_created", "script.applies"))

    assert {"script.objects_created": Status.NOTED, "script.parsed": Status.NOTED, "script.applies": Status.KEPT} == {
        finding.check: finding.status for finding in run.findings
    }


def test_run_of_a_server_comes_back_from_json_unchanged(project: Path) -> None:
    run = verified(project, only=("table.present",))

    assert run == from_json(to_json(run))
