"""No two layouts take the same folder."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from pgcontract.contract.layouts import flat, layouts
from pgcontract.contract.migration_folder import Folder
from written_files import write_files

# Each test_<tool>.py holds a folder of its tool: SAMPLE, the files, and FOLDER, the one of them that has the migrations.
TOOLS = sorted(path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py"))
TOOLS.remove("recognition")


@pytest.mark.parametrize("tool", TOOLS)
def test_folder_of_a_tool_is_recognised_by_its_layout_alone(tool: str, tmp_path: Path) -> None:
    sample = import_module(f"test_{tool}")
    path = write_files(tmp_path, sample.SAMPLE) / sample.FOLDER
    folder = Folder(path=path, root=path)

    assert [tool] == [
        layout.NAME.replace("-", "_")
        for layout in layouts().values()
        if layout.NAME != flat.NAME and layout.recognises(folder)
    ]
