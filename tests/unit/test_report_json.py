"""A Run goes to JSON and comes back unchanged; anything else is refused with the place that is wrong."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from pgcontract.errors import InputError
from pgcontract.model.schema import Origin, Schema
from pgcontract.reporting.evidence_text import evidence_text
from pgcontract.reporting.json import VERSION, from_json, run_json_schema, to_json
from pgcontract.result import ClaimResult, Evidence, Finding, Measurements, Outline, OutlineSection, Run, Severity, Status
from pgcontract.result.measurements import CallTimes, QueryFigures, WriteFigures
from refusals import refusal
from runs import RUNS, base

SOME_KINDS = ("tables", "columns", "indexes", "functions", "grants")
GOLDEN = Path(__file__).parents[1] / "golden"

PINNED = (GOLDEN / "shipped.run.json").read_text(encoding="utf-8")
DOCUMENTS = {**{name: to_json(run) for name, run in RUNS.items()}, "shipped": to_json(from_json(PINNED))}
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))


def few(values: type) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(st.from_type(values), max_size=2).map(tuple)


schemas = st.builds(
    Schema, **{name: few(get_args(hint)[0]) for name, hint in get_type_hints(Schema).items() if name in SOME_KINDS}
)
runs = st.builds(
    Run,
    findings=few(Finding),
    claims=few(ClaimResult),
    outline=st.lists(st.from_type(OutlineSection), min_size=1, max_size=2).map(
        lambda sections: Outline(sections=tuple(sections))
    ),
    declared=schemas | st.none(),
    live=schemas | st.none(),
    measurements=st.builds(Measurements, queries=few(QueryFigures), times=few(CallTimes), writes=few(WriteFigures)),
)


def seconds(run: Run) -> tuple[float, ...]:
    """What equality leaves out."""
    return tuple(finding.seconds for finding in run.findings)


@settings(max_examples=60, deadline=None)
@given(runs)
def test_run_comes_back_from_json_unchanged(run: Run) -> None:
    read_back = from_json(to_json(run))

    assert (run, seconds(run)) == (read_back, seconds(read_back))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_run_of_the_tests_comes_back_with_the_same_text(name: str) -> None:
    assert DOCUMENTS[name] == to_json(from_json(DOCUMENTS[name]))


@pytest.mark.parametrize("name", RUNS)
def test_every_run_made_by_hand_comes_back_unchanged(name: str) -> None:
    assert RUNS[name] == from_json(to_json(RUNS[name]))


def test_schema_of_a_run_is_a_schema() -> None:
    Draft202012Validator.check_schema(run_json_schema())


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_run_json_of_the_tests_keeps_to_its_schema(name: str) -> None:
    assert [] == complaints(json.loads(DOCUMENTS[name]))


@pytest.mark.parametrize(
    ("place", "value"),
    [("format", VERSION - 1), ("facts", {}), ("findings", [{"check": "table.present"}]), ("script", None)],
    ids=["another format", "a field no Run has", "half a finding", "no script"],
)
def test_schema_refuses_what_is_no_run(place: str, value: object) -> None:
    assert [] != complaints({**json.loads(to_json(FULL)), place: value})


def complaints(document: object) -> list[str]:
    return [error.json_path for error in Draft202012Validator(run_json_schema()).iter_errors(document)]


def test_a_finding_is_one_line() -> None:
    (line,) = (line for line in to_json(FULL).split("\n") if '"summary": "s"' in line)

    assert from_json(to_json(FULL)).findings[0].check == json.loads(line)["check"]


def test_json_has_a_run_s_fields_in_their_order() -> None:
    assert ["format", "digest", *(field.name for field in fields(Run))] == list(json.loads(to_json(FULL)))


def test_finding_in_json_holds_what_the_design_names() -> None:
    expected = {
        "check": "table.present", "subject": "public.t", "status": "broken", "severity": "error", "summary": "s",
        "expected": "a", "actual": "b", "claims": ["G3"], "origin": {"file": "f.sql", "line": 3, "column": None},
        "evidence": [{"title": "t", "text": None, "columns": ["c"], "rows": [["v"]], "language": "text"}],
    }  # fmt: skip
    written = json.loads(to_json(FULL))["findings"][0]

    assert expected == {name: written[name] for name in expected}


WRONG: dict[str, tuple[Any, str]] = {
    "not JSON": ("{", "This is not a run.json"),
    "no format": ("{}", 'it has no "format"'),
    "a list": ("[]", 'it has no "format"'),
    "another format": ('{"format": 99}', "has the format 99"),
    "an older format": ('{"format": 1}', f"has the format 1, and this pgcontract reads {VERSION}"),
    "a field missing": (f'{{"format": {VERSION}}}', "damaged at pgcontract"),
    "deep nesting": ("[" * 100_000, "This is not a run.json"),
}


@pytest.mark.parametrize(("text", "words"), WRONG.values(), ids=WRONG)
def test_anything_but_a_run_is_an_input_error(text: str, words: str) -> None:
    assert words in refusal(from_json, text)


def test_a_status_that_does_not_exist_is_named_with_its_place() -> None:
    damaged = json.loads(to_json(FULL))
    damaged["findings"][0]["status"] = "fine"

    with pytest.raises(InputError, match=r"damaged at findings\.0\.status"):
        from_json(json.dumps(damaged))


def test_a_damaged_figure_is_named_with_its_place() -> None:
    damaged = json.loads(DOCUMENTS["measured"])
    damaged["measurements"]["queries"][0]["sizes"][0]["rows"] = "many"

    with pytest.raises(InputError, match=r"damaged at measurements\.queries\.0\.sizes\.0\.rows"):
        from_json(json.dumps(damaged))


def test_a_file_name_that_is_not_utf_8_does_not_stop_the_report() -> None:
    assert r"\udce9" in to_json(from_json(to_json(FULL).replace("020_x", r"020_\udce9")))


FULL = base(
    migration="020_x",
    findings=(
        Finding(check="table.present", subject="public.t", migration="020_x", status=Status.BROKEN,
                severity=Severity.ERROR, summary="s",
                expected="a", actual="b", claims=("G3",), origin=Origin(file="f.sql", line=3),
                evidence=(Evidence(title="t", columns=("c",), rows=(("v",),)),)),
    ),
)  # fmt: skip


def test_evidence_of_an_id_has_what_was_sent_and_answered_and_of_which_files_it_is_true() -> None:
    run = from_json(PINNED)
    (place,) = (at for at, finding in enumerate(run.findings, 1) if finding.item == "verification.query[Q4]")
    said = evidence_text(run, f"E{place}")
    files = [source for source in run.sources if source.migration in ("", run.findings[place - 1].migration)]

    assert [] == [
        words
        for words in ("information_schema.triggers", "PostgreSQL 18", "20260104", *(file.sha256 for file in files))
        if words not in said
    ]


def test_shape_that_is_kept_is_shown_as_the_catalog_has_it_and_with_the_query_that_asked() -> None:
    run = from_json(PINNED)
    item = "column.type[public.cw_assessment_sessions.email]"
    (place, *_) = (at for at, finding in enumerate(run.findings, 1) if finding.item == item)
    said = evidence_text(run, f"E{place}")

    assert (True, True) == ("type = 'character varying(255)'" in said, "pg_catalog.pg_class" in said)


@pytest.mark.parametrize("name", ["E0", "E999999", "e1", "", "1"])
def test_evidence_that_is_not_there_is_told_with_those_that_are(name: str) -> None:
    with pytest.raises(InputError, match=f"ids go from E1 to E{len(base().findings)}"):
        evidence_text(base(), name)
