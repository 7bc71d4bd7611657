"""A team's own severities: stricter, laxer, told in every place, and never a way to hide what is broken."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, Final

import pytest
from case_projects import case
from case_tables import cases
from pgcontract import RunOptions, load_project
from pgcontract.errors import ContractError
from pgcontract.model.schema import Origin
from pgcontract.postgres.providers import Production
from pgcontract.reporting import render
from pgcontract.reporting.finding_status import urgency
from pgcontract.reporting.json import from_json
from pgcontract.reporting.markdown import first_screen
from pgcontract.result import Decision, Finding, Observations, Reweighed, Run, Severity, Status
from pgcontract.runner import Session, conclude, plan
from pgcontract.runner.verdict import conclude_verdict
from refusals import refusal
from shared_server import shared_server
from verdict_values import finding
from written_files import write_files

LATER: Final = dt.date(2027, 6, 1)
OPEN: Final = "access.grants/broken_undeclared"
FAILS: Final = "script.applies/broken"


def judged(root: Path, toml: str, *only: str, today: dt.date | None = None, files: dict[str, str] | None = None) -> Run:
    project = load_project(write_files(root, {"pgcontract.toml": toml, **(files or {})}))
    planned = plan(project, RunOptions(only=only))
    with Session(planned, provider=shared_server("auto", Production())) as session:
        findings = [one for item in planned.items for one in session.ask(item)]
        return conclude(planned, findings, Observations(), today=today)


def judged_case(name: str, root: Path, toml: str, **more: Any) -> Run:
    case(name).write(root)
    return judged(root, toml, case(name).check, **more)


def decision_of(run: Run) -> Decision:
    """That of its findings, whatever was not asked beside them."""
    return conclude_verdict(run.findings, run.claims, complete=True, production=None, major=None).decision


def of(run: Run, check: str) -> list[Finding]:
    return [one for one in run.findings if one.check == check and one.status is Status.BROKEN]


@cases(("name", "toml", "decision", "severity"), {
    "critical, made a warning": (OPEN, '"access.*" = "warning"', Decision.CAUTION, Severity.WARNING),
    "critical, made a note": (OPEN, '"access.grants" = "info"', Decision.CAUTION, Severity.WARNING),
    "critical, with everything": (OPEN, '"*" = "info"', Decision.CAUTION, Severity.WARNING),
    "critical, made an error": (OPEN, '"access.grants[*]" = "error"', Decision.BLOCKED, Severity.ERROR),
    "rows lost silently": ("rows.kept/broken_by_keys", '"rows.*" = "info"', Decision.CAUTION, Severity.WARNING),
    "a warning, made an error": ("lock.no_rewrite/broken", '"lock.*" = "error"', Decision.BLOCKED, Severity.ERROR),
    "a warning, made a note": ("lock.no_rewrite/broken", '"lock.*" = "info"', Decision.CLEAR, Severity.INFO),
    "the last that matches counts": ("lock.no_rewrite/broken", '"lock.*" = "info"\n"lock.no_rewrite" = "error"',
        Decision.BLOCKED, Severity.ERROR),
})  # fmt: skip
def test_a_broken_promise_weighs_what_its_team_says(
    name: str, toml: str, decision: Decision, severity: Severity, tmp_path: Path
) -> None:
    run = judged_case(name, tmp_path, f"[severity]\n{toml}\n")
    checks = [one.severity for one in of(run, case(name).check)]

    assert (decision, {severity}) == (decision_of(run), set(checks))


@pytest.mark.parametrize(
    "toml", ['[severity]\n"script.applies" = "info"', 'blocks = "critical"', '[severity]\n"*" = "info"']
)
def test_a_script_that_fails_is_never_clear(toml: str, tmp_path: Path) -> None:
    run = judged_case(FAILS, tmp_path, toml)

    assert ([Severity.WARNING], Decision.CAUTION) == (
        [one.severity for one in of(run, "script.applies")],
        decision_of(run),
    )


@cases(("toml", "decision"), {
    "its check alone": ('"column.*" = "info"', Decision.BLOCKED),
    "itself too": ('"*" = "info"', Decision.CAUTION),
    "itself alone": ('"claim.decided[*]" = "warning"', Decision.BLOCKED),
})  # fmt: skip
def test_a_refuted_claim_stays_refuted(toml: str, decision: Decision, tmp_path: Path) -> None:
    files = {
        "migrations/001_a.sql": "CREATE TABLE public.a (id bigint PRIMARY KEY);",
        "contracts/001_a/contract.toml": 'migration = "001_a.sql"\n[table."public.a"]\nprimary_key = ["id"]\n'
        'columns.id = { type = "integer" }\n',
        "contracts/001_a/claims.toml": '[[claim]]\nid = "T1"\ndescription = "An integer"\n'
        'checks = ["column.type[public.a.id]"]\n',
    }
    run = judged(tmp_path, f"[severity]\n{toml}\n", "column.type", "claim.decided", files=files)
    told = [line for line in first_screen(run).splitlines() if "T1" in line and "**refuted**" in line]

    assert (decision, 1) == (decision_of(run), len(told))


def test_an_expired_waiver_is_at_best_caution(tmp_path: Path) -> None:
    run = judged_case("waiver.live/broken", tmp_path, '[severity]\n"*" = "info"', today=LATER)

    assert (Decision.CAUTION, [Severity.WARNING]) == (decision_of(run), [one.severity for one in of(run, "waiver.live")])


@pytest.mark.parametrize(
    ("blocks", "decision"), [("warning", Decision.BLOCKED), ("error", Decision.CAUTION), ("critical", Decision.CAUTION)]
)
def test_what_blocks_is_the_teams_to_say(blocks: str, decision: Decision, tmp_path: Path) -> None:
    assert decision is decision_of(judged_case("lock.no_rewrite/broken", tmp_path, f'blocks = "{blocks}"'))


def test_what_is_critical_blocks_whatever_is_said_to(tmp_path: Path) -> None:
    assert decision_of(judged_case(OPEN, tmp_path, 'blocks = "critical"')) is Decision.BLOCKED


def test_what_nobody_promised_is_asked_for_by_its_severity(tmp_path: Path) -> None:
    files = {"migrations/1_a.sql": "CREATE TABLE a (id integer PRIMARY KEY);"}
    run = judged(tmp_path, '[severity]\n"script.rerun" = "error"', "script.rerun", files=files)

    assert [(Severity.ERROR, None)] == [
        (one.severity, one.reweighed and one.reweighed.own) for one in of(run, "script.rerun")
    ]


def test_each_place_tells_what_counts_for_less(tmp_path: Path) -> None:
    run = judged_case(OPEN, tmp_path, '# ours\n[severity]\n"access.*" = "warning"\n')
    sentence = (
        f"1 finding counts as a warning by {tmp_path}/pgcontract.toml:3; it is critical: "
        "access.grants[table public.salaries]."
    )
    label = f"BROKEN (warning by {tmp_path}/pgcontract.toml:3, critical by itself)"
    pages = (first_screen(run), render(run, "markdown"), render(run, "html"), render(run, "json"))

    assert ((sentence,), [True] * 4) == (run.configured, ["counts as a warning by" in page for page in pages])
    assert label in first_screen(run).replace("\\", "")
    assert run == from_json(render(run, "json"))


def test_a_wildcard_waives_no_critical_thing_that_counts_for_less(tmp_path: Path) -> None:
    waiver = '\n[[waiver]]\ncheck = "access.*"\nsubject = "*"\nreason = "soon"\nowner = "Ann"\nuntil = 2026-02-01\n'
    case(OPEN).write(tmp_path)
    contract = tmp_path / "contracts" / "001_salaries" / "contract.toml"
    contract.write_text(contract.read_text(encoding="utf-8") + waiver, encoding="utf-8")
    run = judged(tmp_path, '[severity]\n"access.*" = "warning"', "access.*", today=dt.date(2026, 1, 4))

    assert of(run, "access.grants")


def test_what_counts_for_less_stands_where_it_would() -> None:
    weighed = Reweighed(own=Severity.CRITICAL, origin=Origin(file="pgcontract.toml", line=1))
    lighter = finding(Status.BROKEN, Severity.WARNING, reweighed=weighed)

    assert urgency(lighter, set()) < urgency(finding(Status.BROKEN, Severity.ERROR), set())


@pytest.mark.parametrize(("toml", "expected"), [
    ('"lock.no_scna" = "error"', "pgcontract.toml:2: severity: no check is named 'lock.no_scna'; the nearest is "),
    ('"lock.*" = "off"', "the text 'off' is not known; known here: critical, error, warning, info"),
    ('lock.no_scan = "error"', 'pgcontract.toml:2: severity.lock: a check\'s id has a dot in it; put it in quotes'),
])  # fmt: skip
def test_a_mistake_in_severities_has_its_line(toml: str, expected: str, tmp_path: Path) -> None:
    files = {"pgcontract.toml": f"[severity]\n{toml}\n", "migrations/1_a.sql": "SELECT 1;"}

    assert expected in refusal(lambda: plan(load_project(write_files(tmp_path, files))), error=ContractError)
