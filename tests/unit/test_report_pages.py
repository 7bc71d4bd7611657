"""Each hand-made Run gives, byte for byte, the pages kept in tests/golden."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from pgcontract import reporting
from pgcontract.reporting.charts import Chart, charts

GOLDEN = Path(__file__).parents[1] / "golden"
sys.path.insert(0, str(GOLDEN))

from runs import RUNS  # noqa: E402 - a folder of the tests, not a package

SUFFIX = {"markdown": "md", "text": "txt", "github": "github"}


# The HTML says what the Markdown says: of it one page is enough.
PAGES = [*((name, kind) for name in RUNS for kind in SUFFIX), ("measured", "html")]
PICTURES = charts(RUNS["measured"])


def golden(name: str, rendered: str) -> str:
    """What is kept under the name; written anew first where PGCONTRACT_REGENERATE asks for it."""
    path = GOLDEN / name
    if os.environ.get("PGCONTRACT_REGENERATE"):
        path.write_bytes(rendered.encode())
    return path.read_bytes().decode()


@pytest.mark.parametrize(("name", "kind"), PAGES)
def test_page_equals_the_golden_page(name: str, kind: str) -> None:
    rendered = reporting.render(RUNS[name], kind)

    assert golden(f"{name}.{SUFFIX.get(kind, kind)}", rendered) == rendered


@pytest.mark.parametrize("chart", PICTURES, ids=lambda chart: chart.name)
def test_picture_equals_the_golden_picture(chart: Chart) -> None:
    assert golden(f"charts/{chart.name}.svg", chart.svg) == chart.svg


def test_every_golden_picture_is_drawn() -> None:
    assert {f"{chart.name}.svg" for chart in PICTURES} == {path.name for path in (GOLDEN / "charts").iterdir()}
