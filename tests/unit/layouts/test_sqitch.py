"""Projects of Sqitch, by their plan."""

from __future__ import annotations

from pathlib import Path

import pytest
from pgcontract import InputError, load_project
from readings import Read, read
from written_files import write_files

BY = "2026-01-01T00:00:00Z Ann <ann@example.com>"
PLAN = f"""%syntax-version=1.0.0
%project=rooms

rooms {BY} # Makes them
floor [rooms] {BY}
@v1 {BY} # Released

floor [floor@v1] {BY}
+app/names [rooms floor] {BY}
# not this one
"""
SAMPLE = {
    "sqitch.conf": "[core]\n\tengine = pg\n",
    "sqitch.plan": PLAN,
    "deploy/rooms.sql": "BEGIN;\nCREATE TABLE rooms (id bigint PRIMARY KEY);\nCOMMIT;\n",
    "revert/rooms.sql": "DROP TABLE rooms;\n",
    "deploy/floor@v1.sql": "ALTER TABLE rooms ADD COLUMN floor int;\n",
    "deploy/floor.sql": "ALTER TABLE rooms ADD COLUMN level int;\n",
    "deploy/app/names.sql": "\\set name rooms\nCREATE VIEW names AS SELECT id FROM :name;\n",
    "verify/rooms.sql": "SELECT id FROM rooms WHERE false;\n",
}
FOLDER = "."
CONF = """[core]
    engine = pg
    top_dir = db ; and so on
[engine "pg"]
    top_dir = db/pg
    plan_file = "db/plan.txt"
    deploy_dir = db/up
[engine "pg.variables"]
    Column = floor
"""
MOVED = {
    "sqitch.conf": CONF,
    "db/plan.txt": f"floor {BY}\n",
    "db/up/floor.sql": "CREATE TABLE :Column (id bigint);",
    "db/pg/revert/floor.sql": "DROP TABLE floor;",
}
ORDER = ["rooms", "floor@v1", "floor", "app.names"]


@pytest.mark.parametrize(
    ("more", "order", "issues"),
    [
        pytest.param({}, ORDER, [], id="sample"),
        pytest.param({"deploy/x.sql": "SELECT 1;"}, ORDER, ["migration.read warning deploy/x.sql"], id="not listed"),
        pytest.param(
         {"sqitch.plan": f"{PLAN}gone {BY}\n"}, ORDER, ["migration.accepted error gone"], id="listed and missing"),
        pytest.param(MOVED, ["floor"], [], id="by sqitch.conf"),
        pytest.param({**MOVED, "sqitch.conf": f'{CONF}[target "x"]\n uri = db:mysql:x\n top_dir = .\n'}, ["floor"], [],
                     id="beside another database's"),
        pytest.param({"sqitch.conf": "[core]\n top_dir = db/ # none there\n"}, ORDER, [], id="sqitch.conf of no plan"),
    ],
)  # fmt: skip
def test_project_is_read_by_its_plan(more: dict[str, str], order: list[str], issues: list[str], tmp_path: Path) -> None:
    assert Read(layout="sqitch", order=order, back=order[:1], issues=issues) == read(tmp_path, {**SAMPLE, **more})


@pytest.mark.parametrize(
    ("more", "path", "words"),
    [
        pytest.param(
         {"sqitch.conf": "[core]\n engine = mysql\n"}, ".", "are for the engine 'mysql'", id="another database"),
        pytest.param({"sqitch.plan": "%project=x\n"}, ".", "lists no change whose script is in deploy/", id="no change"),
        pytest.param(
         {}, "deploy", "Name the folder that holds the plan: `pgcontract verify ", id="its folder of scripts"),
        pytest.param(MOVED, "db/up", "Name the folder that holds the plan: `pgcontract verify ", id="by sqitch.conf"),
        pytest.param(MOVED, "db/pg", "a part of this project is outside of it, by ", id="its top folder"),
    ],
)  # fmt: skip
def test_project_that_is_refused(more: dict[str, str], path: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_project(write_files(tmp_path, {**SAMPLE, **more}) / path)

    assert words in str(caught.value)
