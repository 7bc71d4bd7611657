"""What the layout of each tool makes of folders, by <tool>.toml: which it recognises, in which order it reads them, what
it sends of a file, what it refuses, and how the server takes what it sends.

A case is a line. It has the project's `files`, or the `names` of files below `at` that all hold the `filler`, or the
`text` of the file `at`; `beside` stand others with their texts, or, by `sample`, those of the tool's sample. `path` is
what is read. The rest is what must come of it. What a section says before its cases holds for all of them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from pgcontract import RunOptions, load_project, verify
from pgcontract.model.sql import TransactionScope
from readings import Read, Sent, read, sent
from written_files import write_files

HOW = {"files", "names", "filler", "text", "at", "beside", "sample", "path"}
Case = tuple[dict[str, str], str, dict[str, Any]]


def cases(section: str) -> Iterator[Any]:
    """Of each tool the section's cases: the files, what is read of them, and what must come of it."""
    for path in sorted(Path(__file__).parent.glob("*.toml")):
        document = tomllib.loads(path.read_text(encoding="utf-8")).get(section, {})
        usual = {key: value for key, value in document.items() if not isinstance(value, dict)}
        for name, own in document.items():
            if name not in usual:
                case = {"layout": path.stem.replace("_", "-"), **usual, **own}
                expected = {key: value for key, value in case.items() if key not in HOW}
                yield pytest.param(
                    (files_of(path.stem, case), case.get("path", "."), expected), id=f"{path.stem}: {name}"
                )


def files_of(tool: str, case: dict[str, Any]) -> dict[str, str]:
    files = dict(import_module(f"test_{tool}").SAMPLE) if case.get("sample") else {}
    files |= dict(case.get("beside", ()))
    if "text" in case:
        files |= {case["at"]: case["text"]}
    folder = case.get("at", "")
    return files | {f"{folder}{name}": case["filler"] for name in case.get("names", ())} | case.get("files", {})


@pytest.mark.parametrize("case", [*cases("recognised")])
def test_recognised(case: Case, tmp_path: Path) -> None:
    files, path, expected = case

    assert expected["layout"] == read(tmp_path, files, path).layout


@pytest.mark.parametrize("case", [*cases("order")])
def test_order_and_what_is_passed_over(case: Case, tmp_path: Path) -> None:
    files, path, expected = case
    back = expected["order"] if expected.get("back") == "all" else expected.get("back", [])

    assert Read(**{"issues": [], **expected, "back": back}) == read(tmp_path, files, path)


@pytest.mark.parametrize("case", [*cases("sent")])
def test_what_is_sent(case: Case, tmp_path: Path) -> None:
    files, path, expected = case
    transaction = TransactionScope(expected.get("transaction", "each file"))
    issues = tuple(expected.get("issues", ()))

    assert Sent(up=expected["up"], down=expected.get("down"), transaction=transaction, issues=issues) == sent(
        tmp_path, files, path
    )


@pytest.mark.parametrize("case", [*cases("refused")])
def test_what_is_refused_or_dropped(case: Case, tmp_path: Path) -> None:
    files, path, expected = case

    assert tuple(expected["issues"]) == sent(tmp_path, files, path).issues


@pytest.mark.parametrize("case", [*cases("run")])
def test_last_file_runs_as_the_tool_runs_it(case: Case, tmp_path: Path) -> None:
    files, path, expected = case
    run = verify(load_project(write_files(tmp_path, files) / path), RunOptions(only=("script.applies",)))

    assert expected["status"] == run.findings[-1].status.value
