"""`pgcontract waive` on a real server: the waiver stands where it belongs, and what cannot be waived is refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import pytest
from command import Command, Said, command_here
from written_files import write_files

TODAY = dt.datetime.now(dt.UTC).date()
SOON, FAR = ((TODAY + dt.timedelta(days=days)).isoformat() for days in (30, 200))
SAYS = ("--reason", "the next release widens it", "--owner", "Ann")
CONTRACT = """\
migration = "001_wells.sql"  # the first

[table."public.wells"]
columns.depth_m = { type = "bigint" } # deep
"""
PROJECT = {
    "schema/migrations/001_wells.sql": "CREATE TABLE public.wells (depth_m integer);\n"
    "GRANT SELECT ON public.wells TO PUBLIC;",
    "schema/contracts/001_wells/contract.toml": CONTRACT,
}
PATH = "schema/contracts/001_wells/contract.toml"
WAIVED = f"""{CONTRACT}
[[waiver]]
check = "column.type"
subject = "public.wells.depth_m"
reason = "the next release widens it"
owner = "Ann"
until = {SOON}
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, tuple[Said, str]]:
    """What was said of each in turn, and the contract after it."""
    folder = write_files(tmp_path_factory.mktemp("waive"), PROJECT)
    run = command_here(folder)
    asked: dict[str, tuple[str, ...]] = {
        "dry": ("waive", "column.type[depth_m]", *SAYS, "--until", SOON, "--dry-run"),
        "written": ("waive", "column.type[depth_m]", *SAYS, "--until", SOON),
        "judged": ("verify", "--only", "column.type"),
        "renewed": ("waive", "column.type[public.wells.depth_m]", *SAYS, "--until", FAR),
        "kept": ("waive", "column.nullability[depth_m]", *SAYS, "--until", SOON),
        "elsewhere": ("waive", "column.type[public.wells.width_m]", *SAYS, "--until", SOON),
        "critical": ("waive", "access.grants[table public.wells]", *SAYS, "--until", FAR),
        "of another": ("waive", "column.type[depth_m]", *SAYS, "--until", SOON, "--migration", "002"),
    }
    return {name: (run(*words), (folder / PATH).read_text("utf-8")) for name, words in asked.items()}


def test_a_dry_run_shows_the_difference_and_writes_nothing(said: Mapping[str, tuple[Said, str]]) -> None:
    answer, text = said["dry"]

    assert (0, CONTRACT) == (answer.code, text)
    assert '+[[waiver]]\n+check = "column.type"\n+subject = "public.wells.depth_m"' in answer.out
    assert f"would write {PATH}; nothing was written" in answer.err


def test_the_waiver_stands_in_the_contract_of_its_migration(said: Mapping[str, tuple[Said, str]]) -> None:
    answer, text = said["written"]

    assert (0, WAIVED) == (answer.code, text)
    assert f"wrote {PATH}: column.type[public.wells.depth_m] of 001 is waived until {SOON}" in answer.err


def test_what_is_waived_is_no_more_blocked(said: Mapping[str, tuple[Said, str]]) -> None:
    assert "1 promise is waived: column.type[public.wells.depth_m]" in said["judged"][0].out


def test_waiving_it_again_sets_another_day(said: Mapping[str, tuple[Said, str]]) -> None:
    assert WAIVED.replace(SOON, FAR) == said["renewed"][1]


REFUSED = {
    "kept": "column.nullability[public.wells.depth_m] is kept, so there is nothing to waive",
    "elsewhere": "column.type found nothing of 'public.wells.width_m', so there is nothing to waive; did you mean "
    "`public.wells.depth_m`?",
    "critical": "a waiver ends 90 days away at most for what is critical; the latest day is",
    "of another": "no migration is called '002'",
}


@pytest.mark.parametrize(("name", "message"), REFUSED.items(), ids=REFUSED)
def test_what_cannot_be_waived_is_refused(said: Mapping[str, tuple[Said, str]], name: str, message: str) -> None:
    answer, text = said[name]

    assert (2, "", WAIVED.replace(SOON, FAR)) == (answer.code, answer.out, text)
    assert message in answer.err


PAST = (TODAY - dt.timedelta(days=1)).isoformat()
UNASKED: dict[str, tuple[tuple[str, ...], str]] = {
    "no subject": (("column.type", *SAYS, "--until", SOON), "'column.type' is no check with its subject"),
    "an unknown check": (("column.typ[x]", *SAYS, "--until", SOON), "did you mean `column.type`?"),
    "a wildcard": (("column.*[x]", *SAYS, "--until", SOON), "is a wildcard"),
    "the verdict's own": (("waiver.live[x]", *SAYS, "--until", SOON), "which nobody can waive"),
    "no date": (("column.type[x]", *SAYS, "--until", "soon"), "no date; write it as"),
    "a day that is past": (("column.type[x]", *SAYS, "--until", PAST), "that day is past"),
    "a day too far": (("column.type[x]", *SAYS, "--until", "2999-01-01"), "a waiver ends a year away at most"),
    "no owner": (("column.type[x]", "--reason", "r", "--until", SOON), "who answers for it? Say so with --owner."),
    "no reason": (("column.type[x]", "--reason", " ", "--owner", "o", "--until", SOON), "one of the two is blank"),
}


@pytest.mark.parametrize(("words", "message"), UNASKED.values(), ids=UNASKED)
def test_what_cannot_be_meant_is_refused_before_a_server_starts(
    pgcontract: Command, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    write_files(tmp_path, PROJECT)
    answer = pgcontract("waive", *words, PG="none")

    assert (2, "", CONTRACT) == (answer.code, answer.out, (tmp_path / PATH).read_text("utf-8"))
    assert message in answer.err


def test_without_contracts_the_waiver_stands_with_what_made_the_thing_and_lasts(
    pgcontract: Command, tmp_path: Path
) -> None:
    """What is told of the head's state is waived where its table was made, whatever is added behind it; and a contract
    that is there for a waiver asks for nothing else."""
    write_files(
        tmp_path,
        {
            "db/001_wells.sql": "CREATE TABLE public.wells (depth_m integer);",
            "db/002_springs.sql": "CREATE TABLE public.springs (id bigint PRIMARY KEY);",
        },
    )
    written = pgcontract("waive", "table.primary_key[wells]", "db", *SAYS, "--until", SOON)
    (tmp_path / "db/003_lakes.sql").write_text("CREATE TABLE public.lakes (id bigint PRIMARY KEY);", encoding="utf-8")
    judged = pgcontract("verify", "db")

    assert (0, True) == (written.code, (tmp_path / "db/001_wells.contract.toml").is_file())
    assert "1 finding is waived by earlier contracts (001): table.primary_key" in judged.out
    assert f"the next ends on {SOON}, in 30 days: table.primary_key[public.wells]" in " ".join(judged.out.split())
    assert "1 promise is waived: 1 of earlier migrations" in judged.out
    assert "broken" not in judged.out


def test_all_that_a_waiver_lacks_is_asked_for_at_once(tmp_path: Path) -> None:
    answer = command_here(tmp_path)("waive", "column.type[depth_m]", "--owner", "Ann Lee")

    assert 2 == answer.code
    assert "--reason and --until are missing" in answer.err
    assert "--owner 'Ann Lee' --until 20" in answer.err
