"""Folders of Atlas, beside their atlas.sum."""

from __future__ import annotations

from pathlib import Path

import pytest
from readings import Read, read

# As Atlas 0.7.2 writes them.
ROOMS = "20260101000000_rooms.sql h1:06Hkh+HMQY30Wjc7bRhoJs5wqtMHkAwKNzSf+zB1wBE=\n"
FLOOR = "20260102000000.sql h1:6KjUiTqvIdV0+ZWQXMmOFG6TjnibqZ/midQBsGaZ0M4=\n"
SUM = f"h1:isySMKneNRXYEilw/+W6lyGwGvzSAed19h0u7MrEhds=\n{ROOMS}{FLOOR}"
SAMPLE = {
    "atlas.hcl": 'env "local" {}\n',
    "migrations/atlas.sum": SUM,
    "migrations/20260101000000_rooms.sql": '-- Create "rooms" table\nCREATE TABLE rooms (id bigint PRIMARY KEY);\n',
    "migrations/20260102000000.sql": "ALTER TABLE rooms ADD COLUMN floor int;\n",
}
FOLDER = "migrations"
ORDER = ["20260101000000_rooms", "20260102000000"]
LATER = "20260103000000_x"
LISTED = ("aCNgJFBmh5xI/Hpl0PHBf2MA7WSihIWIZqMLm98QomM=", "p/l7P2W0stoGzsdDVOSJ/dvZrAalpsQg+G8BH72Wweg=")


@pytest.mark.parametrize(("text", "sums", "order", "issues"), [
    (None, (), ORDER, []),
    ("SELECT 1;", LISTED, [*ORDER, LATER], []),
    ("SELECT 1;", (), [*ORDER, LATER], [f"migration.accepted error {LATER}.sql"]),
    ("SELECT 1;", ("YQ==", LISTED[1]), [*ORDER, LATER], ["migration.accepted error atlas.sum"]),
    ("SELECT 2;", LISTED, [*ORDER, LATER], [f"migration.accepted error {LATER}.sql"]),
    ("SELECT 1;\r\n", ("a", "OrJx72PeadpSWMkYHX1DYqeGVN0JqrK3Og3AHrTm580="), [*ORDER, LATER],
     ["migration.accepted warning atlas.sum"]),
    ("-- atlas:sum ignore\n\nSELECT 1;", (), [*ORDER, LATER], []),
    (None, ("YQ==", "Yw=="), ORDER, [f"migration.accepted error {LATER}.sql"]),
    ("-- atlas:checkpoint\n\nSELECT 1;",
     ("6Jzq+h3r7O40ajmgXqeFtcuYNNihdKRHCTThAiUuG08=", "QOGKv9Um8Xu8V7yISZL2lif5E0Qq4sct16DZIKOkBLA="), ORDER,
     [f"migration.read note {LATER}.sql"]),
    ("-- atlas:txmode none\nSELECT 1;",
     ("EZ7kCT/dmzXhwONk5vp8/xoFP+9Cql5FWKFYpV8Zgy0=", "U3ujzAZJLlGH5uUwpMamzXBTPLLDXYbAzr0T5FkGOTY="),
     [*ORDER, LATER], [f"migration.accepted warning {LATER}.sql"]),
], ids=["sample", "listed", "not listed", "another whole", "changed", "lines end in CRLF", "need not be listed", "gone",
        "a checkpoint", "no empty line behind a directive"])  # fmt: skip
def test_folder_is_read_by_name(
    text: str | None, sums: tuple[str, ...], order: list[str], issues: list[str], tmp_path: Path
) -> None:
    files = {**SAMPLE, f"migrations/{LATER}.sql": text} if text else SAMPLE
    if sums:
        files = {**files, "migrations/atlas.sum": f"h1:{sums[0]}\n{ROOMS}{FLOOR}{LATER}.sql h1:{sums[1]}\n"}

    assert Read(layout="atlas", order=order, back=[], issues=issues) == read(tmp_path, files, FOLDER)


def test_folder_without_its_sum_is_refused(tmp_path: Path) -> None:
    assert ["migration.accepted error atlas.sum"] == read(tmp_path, {"1_a.sql": "SELECT 1;"}, layout="atlas").issues
