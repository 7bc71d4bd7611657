"""`gate.not_loosened`: what asks less than at the commit of --since is told, whatever else the same change accepts."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from command import Command
from pgcontract.contract import FolderOptions, load_project
from pgcontract.result import Status
from pgcontract.runner.gate import gate_findings
from test_since import begin_repository, commit, git
from written_files import write_files

CONTRACT = """\
migration = "001_orders.sql"
comments = "optional"
loses = ["public.drafts"]

[table."public.orders"]
purpose = "what is sold"
columns.id = { type = "integer" }
columns.email = { type = "text" }

[format.email]
column = "public.orders.email"
standard = "not_blank"
reject = [" "]

[[verification]]
id = "Q1"
description = "none"
sql = "SELECT count(*) FROM public.orders"
row_count = 1

[[waiver]]
check = "table.primary_key"
subject = "public.orders"
reason = "it comes later"
owner = "n"
until = 2026-03-01
"""
CLAIMS = """\
[[claim]]
id = "G1"
description = "An order is never lost."
checks = ["column.type"]
"""
CONFIGURATION = """\
leave_out = ["mine_*.sql"]

[severity]
"lock.*" = "error"
"index.*" = "warning"

[production.tables]
"public.orders" = 1000
"""
BASELINE = """\
format = 1

[[finding]]
check = "table.primary_key"
subject = "public.orders"
migration = "001_orders"
severity = "warning"
says = "public.orders has no primary key."
"""
SCRIPT = "CREATE TABLE public.orders (id integer, email text);\n"
FILES = {
    "migrations/001_orders.sql": SCRIPT,
    "migrations/mine_x.sql": "SELECT 1;\n",
    "contracts/001_orders/contract.toml": CONTRACT,
    "contracts/001_orders/claims.toml": CLAIMS,
    "pgcontract.toml": CONFIGURATION,
    "pgcontract-baseline.toml": BASELINE,
}
NEW = {"migrations/002_new.sql": "CREATE TABLE public.new (id int PRIMARY KEY);\n"}
OF_CONTRACT, OF_CLAIMS = "contracts/001_orders/contract.toml", "contracts/001_orders/claims.toml"


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_files(tmp_path_factory.mktemp("first"), FILES)
    begin_repository(root)
    return write_files(root, NEW)


@pytest.fixture
def root(first: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(first, tmp_path / "project", symlinks=True))


def write(root: Path, files: Mapping[str, str | None]) -> None:
    write_files(root, {name: text for name, text in files.items() if text is not None})
    for name in (name for name, text in files.items() if text is None):
        (root / name).unlink()


def told(root: Path) -> list[tuple[str, str]]:
    project = load_project(root, options=FolderOptions(since="main"))
    return [(each.subject, each.actual or "") for each in gate_findings(project) if each.status is Status.BROKEN]


def contract(*changes: tuple[str, str], more: str = "") -> dict[str, str]:
    text = CONTRACT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return {OF_CONTRACT: text + more}


def without(section: str) -> dict[str, str]:
    (whole,) = re.findall(rf"{re.escape(section)}\n.*?(?=\n\[|\Z)", CONTRACT, re.DOTALL)
    return contract((whole, ""))


CASES: dict[str, tuple[Mapping[str, str | None], list[tuple[str, str]]]] = {
    "nothing": ({}, []),
    "the contract": (
        {OF_CONTRACT: None, OF_CLAIMS: None},
        [
            (OF_CLAIMS, "claim.G1 is gone"),
            (OF_CONTRACT, 'table."public.orders" is gone, format.email is gone, verification.Q1 is gone'),
        ],
    ),
    "a section": (without("[format.email]"), [(OF_CONTRACT, "format.email is gone")]),
    "an element": (without("[[verification]]"), [(OF_CONTRACT, "verification.Q1 is gone")]),
    "a column": (
        contract(('columns.id = { type = "integer" }\n', "")),
        [(OF_CONTRACT, 'table."public.orders".columns.id is gone')],
    ),
    "a value": (contract(("not_blank", "uuid")), [(OF_CONTRACT, "format.email.standard is changed")]),
    "an example": (contract(('reject = [" "]', "reject = []")), [(OF_CONTRACT, "format.email.reject is changed")]),
    "more examples": (contract(('reject = [" "]', 'reject = [" ", ""]')), []),
    "words": (contract(("what is sold", "what was sold"), ('"none"', '"all"'), ("later", "soon")), []),
    "a promise more": (contract(more='[format.id]\ncolumn = "public.orders.id"\nstandard = "uuid"\n'), []),
    "another waiver": (
        contract(more='[[waiver]]\ncheck = "x.y"\nsubject = "z"\nreason = "r"\nowner = "n"\nuntil = 2026-01-01\n'),
        [(OF_CONTRACT, 'waiver."x.y[z]" is added')],
    ),
    "a waiver less": (without("[[waiver]]"), []),
    "a later end": (
        contract(("2026-03-01", "2026-03-02")),
        [(OF_CONTRACT, 'waiver."table.primary_key[public.orders]".until is changed')],
    ),
    "an earlier end": (contract(("2026-03-01", "2026-02-02")), []),
    "a loss more": (contract(('"public.drafts"', '"public.drafts", "public.x"')), [(OF_CONTRACT, "loses is changed")]),
    "a loss less": (contract(('loses = ["public.drafts"]\n', "")), []),
    "less of what it names": (
        contract(("comments", 'promises = "declared"\ncomments')),
        [(OF_CONTRACT, "promises is added")],
    ),
    "what varies": (
        contract(("row_count", 'varies = ["count"]\nrow_count')),
        [(OF_CONTRACT, "verification.Q1.varies is added")],
    ),
    "what has moved": (
        {
            **without("[format.email]"),
            "contracts/002_new/contract.toml": 'migration = "002_new.sql"\n\n[format.email]\n'
            'column = "public.orders.email"\nstandard = "not_blank"\nreject = [" "]\n',
        },
        [],
    ),
    "what has moved to where nobody reads it": (
        {OF_CONTRACT: None, OF_CLAIMS: None, "old/contract.toml": CONTRACT, "old/claims.toml": CLAIMS},
        [
            (OF_CLAIMS, "claim.G1 is gone"),
            (OF_CONTRACT, 'table."public.orders" is gone, format.email is gone, verification.Q1 is gone'),
        ],
    ),
    "whose contract it is": (
        contract(("001_orders.sql", "002_new.sql")),
        [(OF_CONTRACT, "the contract of 001_orders.sql is gone")],
    ),
    "what a claim rests on": (
        {OF_CLAIMS: CLAIMS.replace('checks = ["column.type"]', 'untestable = "nobody can"')},
        [(OF_CLAIMS, "claim.G1.checks is gone, claim.G1.untestable is added")],
    ),
    "what a claim says": (
        {OF_CLAIMS: CLAIMS.replace("never", "seldom")},
        [(OF_CLAIMS, "claim.G1.description is changed")],
    ),
    "a check more of a claim": ({OF_CLAIMS: CLAIMS.replace('"column.type"', '"column.type", "column.null"')}, []),
    "a lighter weight": (
        {"pgcontract.toml": CONFIGURATION.replace('"index.*" = "warning"', '"index.*" = "info"')},
        [("pgcontract.toml", 'severity."index.*" is changed')],
    ),
    "a weight for one": (
        {"pgcontract.toml": CONFIGURATION.replace("[severity]", '[severity]\n"column.type[x]" = "info"')},
        [("pgcontract.toml", 'severity."column.type[x]" is changed')],
    ),
    "a weight of what is accepted": (
        {"pgcontract.toml": CONFIGURATION.replace("[severity]", '[severity]\n"waiver.live" = "info"')},
        [("pgcontract.toml", 'severity."waiver.live" is changed')],
    ),
    "a weight less": (
        {"pgcontract.toml": CONFIGURATION.replace('"lock.*" = "error"\n', "")},
        [("pgcontract.toml", 'severity."lock.*" is gone')],
    ),
    "a heavier weight": ({"pgcontract.toml": CONFIGURATION.replace('"warning"', '"critical"')}, []),
    "what blocks": (
        {"pgcontract.toml": f'blocks = "critical"\n{CONFIGURATION}'},
        [("pgcontract.toml", 'blocks = critical is changed, severity."lock.*" is changed')],
    ),
    "what is left out": (
        {"pgcontract.toml": CONFIGURATION.replace('"mine_*.sql"', '"mine_*.sql", "002_*.sql"')},
        [("pgcontract.toml", "leave_out '002_*.sql' is added")],
    ),
    "fewer rows": (
        {"pgcontract.toml": CONFIGURATION.replace("1000", "10")},
        [("pgcontract.toml", 'production.tables."public.orders" is changed')],
    ),
    "more rows": ({"pgcontract.toml": CONFIGURATION.replace("1000", "1_000_000")}, []),
    "the platform": (
        {"pgcontract.toml": f'production.platform = "postgres"\n{CONFIGURATION}'},
        [("pgcontract.toml", "production.platform is changed")],
    ),
    "what is applied": (
        {"pgcontract.toml": f'runner.applied = "002_new"\n{CONFIGURATION}'},
        [("pgcontract.toml", "runner.applied is changed")],
    ),
    "what was applied before": ({"pgcontract.toml": f'runner.applied = "001_orders"\n{CONFIGURATION}'}, []),
    "all of the configuration": (
        {"pgcontract.toml": None, "migrations/mine_x.sql": None},
        [("pgcontract.toml", 'severity."index.*" is gone, severity."lock.*" is gone')],
    ),
    "an entry of the baseline": (
        {"pgcontract-baseline.toml": BASELINE + BASELINE.partition("\n\n")[2].replace("001_orders", "002_new")},
        [("pgcontract-baseline.toml", "table.primary_key[public.orders] is added")],
    ),
    "an entry less": ({"pgcontract-baseline.toml": "format = 1\n"}, []),
    "a comment": (
        {"migrations/001_orders.sql": f"-- pgcontract-ignore table.primary_key: later\n{SCRIPT}"},
        [("migrations/001_orders.sql", "pgcontract-ignore table.primary_key is added")],
    ),
    "a comment of a new file": (
        {"migrations/002_new.sql": f"-- pgcontract-ignore table.primary_key: later\n{SCRIPT}".replace("orders", "new")},
        [],
    ),
}


@pytest.mark.parametrize(("change", "expected"), CASES.values(), ids=CASES)
def test_what_asks_less_than_at_the_commit_is_told(
    change: Mapping[str, str | None], expected: list[tuple[str, str]], root: Path
) -> None:
    write(root, change)

    assert sorted(expected) == sorted(told(root))


def test_what_is_committed_is_told_as_what_is_not(root: Path) -> None:
    git(root, "checkout", "-q", "-b", "work")
    write(root, {OF_CLAIMS: None})
    commit(root)

    assert [(OF_CLAIMS, "claim.G1 is gone")] == told(root)


def test_contract_that_is_a_link_is_compared_by_what_it_leads_to(tmp_path: Path) -> None:
    root = write_files(tmp_path, {name: text for name, text in FILES.items() if name != OF_CONTRACT})
    write_files(root, {"orders.toml": CONTRACT})
    (root / OF_CONTRACT).symlink_to("../../orders.toml")
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "first")
    write_files(root, {**NEW, "orders.toml": CONTRACT.replace("not_blank", "uuid")})

    assert [("orders.toml", "format.email.standard is changed")] == told(root)


def test_contract_that_is_renamed_with_its_migration_promises_as_before(root: Path) -> None:
    git(root, "mv", "migrations/001_orders.sql", "migrations/0010_orders.sql")
    git(root, "mv", "contracts/001_orders", "contracts/0010_orders")
    write_files(root, {"contracts/0010_orders/contract.toml": CONTRACT.replace("001_orders.sql", "0010_orders.sql")})

    assert [] == told(root)


def test_first_configuration_and_first_baseline_are_no_promise_less_but_what_they_accept(tmp_path: Path) -> None:
    root = write_files(tmp_path, {"m/001_a.sql": "CREATE TABLE a (id int);\n"})
    begin_repository(root)
    write_files(root, {"pgcontract.toml": 'seed = 3\n[severity]\n"lock.*" = "error"\n'})
    assert [] == told(root / "m")

    write_files(root, {"m.pgcontract-baseline.toml": BASELINE})
    assert [("m.pgcontract-baseline.toml", "table.primary_key[public.orders] is added")] == told(root / "m")


def test_nothing_that_the_same_change_accepts_excuses_it(root: Path, pgcontract: Command) -> None:
    write(
        root,
        {
            OF_CONTRACT: CONTRACT.replace("not_blank", "uuid"),
            "pgcontract.toml": '[severity]\n"*" = "info"\n',
            "pgcontract-baseline.toml": BASELINE.replace("table.primary_key", "gate.not_loosened"),
            "migrations/002_new.sql": "-- pgcontract-ignore *: all\nCREATE TABLE public.new (id int);\n",
            "migrations/mine_x.sql": None,
        },
    )
    said = pgcontract("verify", str(root), "--pg", "none", "--since", "main", "--only", "gate.*")

    assert [0, " CAUTION", True] == [
        said.code,
        said.out.partition("  ")[0],
        "gate.not_loosened[" in said.out and OF_CONTRACT in said.out,
    ]


@pytest.mark.parametrize("staged", [True, False], ids=["git mv", "mv"])
def test_folder_that_was_moved_as_a_whole_is_compared_with_what_it_was(staged: bool, tmp_path: Path) -> None:
    root = write_files(tmp_path, {f"apps/db/{name}": text for name, text in FILES.items()} | {"apps/other.sql": ""})
    begin_repository(root)
    if staged:
        git(root, "mv", "apps/db", "database")
    else:
        (root / "apps/db").rename(root / "database")
    write_files(root / "database", NEW)
    moved = load_project(root / "database", options=FolderOptions(since="main"))
    assert ({"002_new"}, []) == (moved.scope and moved.scope.changes.every, told(root / "database"))

    write_files(root / "database", {"migrations/001_orders.sql": f"{SCRIPT}SELECT 1;\n"})
    write(root / "database", {OF_CONTRACT: None, OF_CLAIMS: None})
    edited = load_project(root / "database", options=FolderOptions(since="main"))
    assert ({"001_orders", "002_new"}, [OF_CLAIMS, OF_CONTRACT]) == (
        edited.scope and edited.scope.changes.every,
        [subject for subject, _ in told(root / "database")],
    )


CONFIG = "supabase/config.toml"
SUPABASE = {
    CONFIG: '[api]\nschemas = ["public", "app"]\n\n[db]\nmajor_version = 17\n',
    "supabase/migrations/20240101000000_a.sql": "CREATE TABLE public.a (id int PRIMARY KEY);\n",
}
WITHOUT = [(CONFIG, "db.major_version is gone, api.schemas is changed")]


@pytest.mark.parametrize(("files", "expected"), [
    ({CONFIG: SUPABASE[CONFIG].replace("17", "15")}, [(CONFIG, "db.major_version is changed")]),
    ({CONFIG: SUPABASE[CONFIG].replace('"public", ', "")}, [(CONFIG, "api.schemas is changed")]),
    ({CONFIG: SUPABASE[CONFIG].replace("[api]", "[api]\nenabled = false")}, [(CONFIG, "api.schemas is changed")]),
    ({CONFIG: SUPABASE[CONFIG].replace('"app"', '"app", "more"') + "port = 1\n"}, []),
    ({CONFIG: None}, WITHOUT),
    ({CONFIG: None, "pgcontract.toml": "[production]\npostgres = 17\n"}, [(CONFIG, "api.schemas is changed")]),
    ({CONFIG: None, "supabase/seed.sql": "SELECT 1;\n"}, WITHOUT),
], ids=["major", "fewer schemas", "no API", "more schemas", "gone", "said elsewhere", "gone beside others"])  # fmt: skip
def test_configuration_of_supabase_that_asks_less_is_told(
    files: Mapping[str, str | None], expected: list[tuple[str, str]], tmp_path: Path
) -> None:
    root = write_files(tmp_path, SUPABASE)
    begin_repository(root)
    write(root, files)
    project = load_project(root / "supabase/migrations", options=FolderOptions(since="main"))

    assert expected == [(each.subject, each.actual) for each in gate_findings(project) if each.status is Status.BROKEN]


def test_configuration_by_which_a_folder_is_of_supabase_is_told_when_it_is_gone(tmp_path: Path) -> None:
    root = write_files(tmp_path, {CONFIG: 'project_id = "a"\n', "sql/20240101000000_a.sql": "SELECT 1;\n"})
    begin_repository(root)
    write(root, {CONFIG: None})
    project = load_project(root / "sql", options=FolderOptions(since="main"))
    actual = [each.actual for each in gate_findings(project) if each.status is Status.BROKEN]

    assert ["supabase/config.toml, by which this is a Supabase project, is gone"] == actual
