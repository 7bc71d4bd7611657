"""Projects of Sqitch, by their plan."""

from __future__ import annotations

from pathlib import Path

from case_tables import cases
from pgcontract import load_project
from readings import Read, read
from refusals import refusal
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
CONF = """[core]\n\tengine = pg\n\ttop_dir = db ; and so on\n[engine "pg"]\n\ttop_dir = db/pg\n\tplan_file = "db/plan.txt"
deploy_dir = db/up\n[engine "pg.variables"]\n\tColumn = floor\n"""
MOVED = {"sqitch.conf": CONF, "db/plan.txt": f"floor {BY}\n", "db/up/floor.sql": "CREATE TABLE :Column (id bigint);",
         "db/pg/revert/floor.sql": "DROP TABLE floor;"}  # fmt: skip
ORDER = ["rooms", "floor@v1", "floor", "app.names"]


@cases(("more", "order", "issues"), {
    "sample": ({}, ORDER, []),
    "not listed": ({"deploy/x.sql": "SELECT 1;"}, ORDER, ["migration.read warning deploy/x.sql"]),
    "listed and missing": ({"sqitch.plan": f"{PLAN}gone {BY}\n"}, ORDER, ["migration.accepted error gone"]),
    "by sqitch.conf": (MOVED, ["floor"], []),
    "beside another database's": ({**MOVED, "sqitch.conf": f'{CONF}[target "x"]\n uri = db:mysql:x\n top_dir = .\n'},
        ["floor"], []),
    "sqitch.conf of no plan": ({"sqitch.conf": "[core]\n top_dir = db/ # none there\n"}, ORDER, []),
})  # fmt: skip
def test_project_is_read_by_its_plan(more: dict[str, str], order: list[str], issues: list[str], tmp_path: Path) -> None:
    assert Read(layout="sqitch", order=order, back=order[:1], issues=issues) == read(tmp_path, {**SAMPLE, **more})


@cases(("more", "path", "words"), {
    "another database": ({"sqitch.conf": "[core]\n engine = mysql\n"}, ".", "are for the engine 'mysql'"),
    "no change": ({"sqitch.plan": "%project=x\n"}, ".", "lists no change whose script is in deploy/"),
    "its folder of scripts": ({}, "deploy", "Name the folder that holds the plan: `pgcontract verify "),
    "by sqitch.conf": (MOVED, "db/up", "Name the folder that holds the plan: `pgcontract verify "),
    "its top folder": (MOVED, "db/pg", "a part of this project is outside of it, by "),
})  # fmt: skip
def test_project_that_is_refused(more: dict[str, str], path: str, words: str, tmp_path: Path) -> None:
    assert words in refusal(load_project, write_files(tmp_path, {**SAMPLE, **more}) / path)
