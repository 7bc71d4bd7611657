"""What docs/ and examples/ tell a reader to write and to type, written and typed: ALL_PAGES for every page of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from snippets import ROOT, is_so, read, run, shown, snippets, write

EXAMPLES = sorted((ROOT / "examples").glob("*/README.md"))
FILES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *EXAMPLES)
PAGES = {str(path.relative_to(ROOT)): path for path in FILES}
# They take longest, up to half a minute: `nox -s snippets` has them.
LONG = {"docs/tutorial.md", "docs/how-to/supabase.md", "examples/shop/README.md", "examples/supabase/README.md"}
ASKED = sorted(PAGES.keys() - (set() if os.environ.get("ALL_PAGES") else LONG))
WORKFLOWS = {".github/workflows/*.yml": "github-workflows", ".gitlab-ci.yml": "gitlab-ci"}
# As wide as the pages are; nothing of the machine that a test runs on, nor a plugin that takes a second to load.
SETTINGS = {"COLUMNS": "84", "NO_COLOR": "1", "DATABASE_URL": "", "PYTEST_ADDOPTS": "-p no:hypothesispytest"}


def test_menu_leads_to_every_page() -> None:
    menu = (ROOT / "mkdocs.yml").read_text("utf-8")

    assert [] == [page for page in PAGES if page.startswith("docs/") and f": {page.removeprefix('docs/')}\n" not in menu]


@pytest.mark.usefixtures("one_server")
@pytest.mark.parametrize("page", ASKED)
def test_what_a_page_tells_to_type_answers_as_it_shows(page: str, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    if PAGES[page] in EXAMPLES:
        shutil.copytree(PAGES[page].parent, folder)
    else:
        folder.mkdir()
    for snippet in snippets(PAGES[page]):
        if snippet.file:
            write(folder, snippet.file, snippet.text)
        elif snippet.language == "console":
            for command in shown(snippet.text):
                code, output = run(folder, command.command, SETTINGS)
                told = f"{page}:{snippet.line}: {command.command}\n{output}"
                assert (command.code, is_so(command.output, output)) == (code, True), told
        else:
            read(snippet)
    for files, schema in WORKFLOWS.items():
        for path in folder.glob(files):
            checker = [str(Path(sys.executable).with_name("check-jsonschema")), "--builtin-schema", f"vendor.{schema}"]
            subprocess.run([*checker, str(path)], check=True, capture_output=True)
