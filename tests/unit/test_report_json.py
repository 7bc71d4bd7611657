"""A Run goes to JSON and comes back unchanged; anything else is refused with the place that is wrong."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pgcontract.errors import InputError
from pgcontract.reporting.json import from_json, to_json
from pgcontract.result import ClaimResult, Finding, Outline, OutlineSection, Run

numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
plain = st.recursive(
    st.sampled_from([None, True, False]) | numbers | st.text(),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
    max_leaves=8,
)
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
topics = st.dictionaries(st.text(), plain, max_size=3)
runs = st.builds(
    Run,
    findings=st.lists(st.from_type(Finding), max_size=2).map(tuple),
    claims=st.lists(st.from_type(ClaimResult), max_size=2).map(tuple),
    outline=st.lists(st.from_type(OutlineSection), min_size=1, max_size=2).map(
        lambda sections: Outline(sections=tuple(sections))
    ),
    **dict.fromkeys(("server", "document", "facts"), topics),
)


def seconds(run: Run) -> tuple[float, ...]:
    """What equality leaves out."""
    return tuple(finding.seconds for finding in run.findings)


@settings(max_examples=60, deadline=None)
@given(runs)
def test_run_comes_back_from_json_unchanged(run: Run) -> None:
    read_back = from_json(to_json(run))

    assert (run, seconds(run)) == (read_back, seconds(read_back))


def test_json_has_a_run_s_fields_in_their_order() -> None:
    assert ["format", *(field.name for field in fields(Run))] == list(json.loads(to_json(FULL)))


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
    "a field missing": ('{"format": 1}', "damaged at pgcontract"),
    "deep nesting": ("[" * 100_000, "This is not a run.json"),
}


@pytest.mark.parametrize(("text", "words"), WRONG.values(), ids=WRONG)
def test_anything_but_a_run_is_an_input_error(text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        from_json(text)

    assert words in str(caught.value)


def test_a_status_that_does_not_exist_is_named_with_its_place() -> None:
    damaged = json.loads(to_json(FULL))
    damaged["findings"][0]["status"] = "fine"

    with pytest.raises(InputError, match=r"damaged at findings\.0\.status"):
        from_json(json.dumps(damaged))


def test_a_file_name_that_is_not_utf_8_does_not_stop_the_report() -> None:
    assert r"\udce9" in to_json(from_json(to_json(FULL).replace("020_x", r"020_\udce9")))


FULL = from_json(
    json.dumps(
        {
            "format": 1, "pgcontract": "0.1.0", "started": "2026-01-04T10:00:00Z", "migration": "020_x", "claims": [],
            "verdict": {"decision": "BLOCKED", "reasons": ["one"]},
            "outline": {"sections": [{"id": "summary", "title": "Summary"}]},
            "checks": [{"id": "table.present", "title": "Each table is there", "why": "w", "how": "h", "remedy": "r",
                        "severity": "error"}],
            "findings": [{"check": "table.present", "subject": "public.t", "migration": "020_x",
                          "status": "broken", "severity": "error", "summary": "s",
                          "expected": "a", "actual": "b", "claims": ["G3"],
                          "origin": {"file": "f.sql", "line": 3},
                          "evidence": [{"title": "t", "columns": ["c"], "rows": [["v"]]}]}],
        }
    )
)  # fmt: skip
