"""Each hand-made Run gives, byte for byte, the pages kept in tests/golden."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from pgcontract import report

GOLDEN = Path(__file__).parents[1] / "golden"
sys.path.insert(0, str(GOLDEN))

from runs import RUNS  # noqa: E402 - a folder of the tests, not a package

SUFFIX = {"markdown": "md", "text": "txt", "github": "github"}


@pytest.mark.parametrize("kind", SUFFIX)
@pytest.mark.parametrize("name", RUNS)
def test_page_equals_the_golden_page(name: str, kind: str) -> None:
    golden = GOLDEN / f"{name}.{SUFFIX[kind]}"

    found = report.render(RUNS[name], kind)

    if os.environ.get("PGCONTRACT_REGENERATE"):
        golden.write_bytes(found.encode())
    assert golden.read_bytes().decode() == found
