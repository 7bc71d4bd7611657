"""A repository with a history at random, through the command: told is what was done to it, and nothing else."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from command import Command
from test_since import begin_repository, git
from written_files import write_files

_LENGTH = 12
_KINDS = ("edit", "reword", "rename", "late", "delete", "contract", "way back", "add", "tidy")


@dataclass
class History:
    """What was done, and what is right to say of it: the display names that are judged whole, and what is told."""

    root: Path
    random: random.Random
    left: list[int] = field(default_factory=list)
    scripts: set[str] = field(default_factory=set)
    others: set[str] = field(default_factory=set)
    told: set[tuple[str, str]] = field(default_factory=set)

    def take(self) -> int:
        """A migration that nothing was done to yet, but not the last: one that sorts before it stays late."""
        number = self.random.choice([one for one in self.left if one < _LENGTH])
        self.left.remove(number)
        return number

    def path(self, number: int, ending: str = ".sql") -> Path:
        return self.root / f"m/{number * 10:04}_t{number}{ending}"

    def do(self, kind: str) -> None:
        if kind == "add":
            write_files(self.root, {"m/0990_new.sql": "CREATE TABLE added (id int);\n"})
            self.scripts.add("0990")
            return
        number = self.take()
        name, file = f"{number * 10:04}", self.path(number)
        match kind:
            case "edit":
                file.write_text(f"CREATE TABLE t{number} (id bigint, more text);\n")
                self.scripts.add(name)
                self.told.add(("migration.unchanged", file.name))
            case "reword":
                file.write_text(f"-- a word\n{file.read_text()}")
                self.others.add(name)
            case "rename":
                new = self.root / f"m/{900 + number:04}_t{number}.sql"
                git(self.root, "mv", str(file), str(new))
                self.path(number, ".down.sql").rename(self.root / f"m/{900 + number:04}_t{number}.down.sql")
                self.scripts.add(f"{900 + number:04}")
                self.told.add(("migration.unchanged", new.name))
            case "late":
                write_files(self.root, {f"m/{number * 10 + 5:04}_late.sql": f"CREATE TABLE late{number} (id int);\n"})
                self.scripts.add(f"{number * 10 + 5:04}")
                self.told.add(("migration.in_order", f"{number * 10 + 5:04}_late.sql"))
            case "delete":
                file.unlink()
                self.path(number, ".down.sql").unlink()
                self.told.add(("migration.unchanged", file.name))
            case "contract":
                write_files(self.root, {f"m/{file.stem}.contract.toml": f'migration = "{file.name}"\n'})
                self.others.add(name)
            case "way back":
                self.path(number, ".down.sql").write_text(f"DROP TABLE t{number} CASCADE;\n")
                self.others.add(name)
            case _:
                file.write_text(file.read_text())  # nothing but its time


def made(root: Path, seed: int) -> History:
    history = History(root=root, random=random.Random(seed), left=list(range(1, _LENGTH + 1)))
    for number in history.left:
        history.path(number).parent.mkdir(parents=True, exist_ok=True)
        history.path(number).write_text(f"CREATE TABLE t{number} (id int);\n")
        history.path(number, ".down.sql").write_text(f"DROP TABLE t{number};\n")
    begin_repository(root)
    git(root, "checkout", "-q", "-b", "work")
    for kind in history.random.sample(_KINDS, len(_KINDS)):
        history.do(kind)
        how = history.random.choice(("commit", "stage", "leave"))
        if how != "leave":
            git(root, "add", "-A")
        if how == "commit":
            git(root, "commit", "-q", "--allow-empty", "-m", kind)
    return history


@pytest.fixture
def run_json(pgcontract: Command) -> Callable[..., dict[str, Any]]:
    def judged(folder: Path, *words: str) -> dict[str, Any]:
        result = pgcontract("verify", str(folder), "--pg", "none", "--json", "-", *words)
        document: dict[str, Any] = json.loads(result.out)
        return document

    return judged


@pytest.mark.parametrize("seed", range(4))
def test_what_was_done_to_a_repository_is_told(
    seed: int, tmp_path: Path, run_json: Callable[..., dict[str, Any]]
) -> None:
    (tmp_path / "repository").mkdir()
    history = made(tmp_path / "repository", seed)
    run = run_json(history.root / "m", "--since", "main")
    kinds = ("migration.unchanged", "migration.in_order")
    told = {
        (finding["check"], finding["subject"])
        for finding in run["findings"]
        if finding["check"] in kinds and finding["status"] == "broken"
    }
    (sentence,) = (sentence for sentence in run["assumptions"] if sentence.startswith("Judged for "))
    names = {link["key"]: link["display_name"] for link in run["chain"]}

    assert history.told == told
    assert history.scripts == {names[key] for key in run["pending"]}
    assert sentence.startswith(f"Judged for {len(history.scripts | history.others)} of {len(names)}: ")
