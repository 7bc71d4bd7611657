"""The smallest projects that show what each check says: `tests/cases/<check id>.toml`, an entry a case.

`name` begins with kept or broken. A quoted key is a file of the project and the text of it; a contract's first line,
`migration = ...`, is left out where it names the contract's folder. A case that is `like` another has the files of
that one (`"query.index/kept"`: another check's), `without` some of them, with each `replace = [[old, new], ...]` made
in the one place where the old text stands, and with the files that it gives itself. What a check finds broken only where
it is promised is claimed by the migration that a broken case is about. Every other key is what is expected
(tests/rules/cases.py).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from written_files import write_files

FOLDER = Path(__file__).parent / "cases"
PROMISED = frozenset(
    {
        "access.default_privileges",
        "acid.atomicity",
        "acid.durability",
        "rollback.from_partial",
        "rollback.repeatable",
        "rollback.respects_existing",
        "script.atomic",
        "script.objects_created",
        "script.rerun",
        "script.respects_existing",
        "script.transaction",
    }
)
CLAIM = '[[claim]]\nid = "X1"\ndescription = "It is so"\nchecks = ["{check}"]\n'
HOW = {"name", "like", "without", "replace"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """A project that keeps or breaks what one check asks, and what must be said of it."""

    check: str
    name: str
    files: Mapping[str, str]
    """The text of each file by its path, as the case writes it."""
    expected: Mapping[str, Any]

    @property
    def id(self) -> str:
        """`column.type/broken_modifier`."""
        return f"{self.check}/{self.name}"

    @property
    def is_kept(self) -> bool:
        return self.name.startswith("kept")

    @contextmanager
    def project(self) -> Iterator[Path]:
        """The folder of the project, for as long as it is looked at."""
        with TemporaryDirectory(prefix="pgcontract-case-") as temporary:
            root = Path(temporary) / self.name
            self.write(root)
            yield root

    def write(self, root: Path) -> None:
        files = {**self.files, **self._claim()}
        write_files(root, {path: _whole(path, text) for path, text in files.items()})

    def _claim(self) -> Mapping[str, str]:
        """The claim without which nothing is broken."""
        if self.check not in PROMISED or self.is_kept or self.expected["status"] not in ("broken", "unknown"):
            return {}
        scripts = sorted(path for path in self.files if path.endswith(".sql") and not path.endswith(".down.sql"))
        key = self.expected.get("migration", Path(scripts[-1]).stem)
        claims = f"contracts/{key}/claims.toml"
        if claims in self.files:
            return {}
        own = {claims: CLAIM.format(check=self.check)}
        return own if f"contracts/{key}/contract.toml" in self.files else {f"contracts/{key}/contract.toml": "", **own}


def _whole(path: str, text: str) -> str:
    """The file's text: a contract's first line put before it, and a line break after it."""
    if path.endswith("/contract.toml") and not any(line.startswith("migration =") for line in text.splitlines()):
        text = f'migration = "{Path(path).parent.name}.sql"\n' + ("\n" if text.startswith("[") else "") + text
    return text if text.endswith("\n") else text + "\n"


@cache
def _read(check: str) -> Mapping[str, Case]:
    """The cases of one check by their names."""
    cases: dict[str, Case] = {}
    path = FOLDER / f"{check}.toml"
    for entry in tomllib.loads(path.read_text("utf-8"))["case"]:
        name = entry["name"]
        if name in cases:
            raise ValueError(f"{path.name} has two cases of the name {name}")
        files: dict[str, str] = {}
        if "like" in entry:
            of_check, _, like = entry["like"].rpartition("/")
            files |= (_read(of_check) if of_check else cases)[like].files
        for gone in entry.get("without", ()):
            del files[gone]
        own = {key: text for key, text in entry.items() if "." in key}
        shared = {key: text for key, text in files.items() if key not in own}
        for old, new in entry.get("replace", ()):
            holders = [key for key, text in shared.items() for _ in range(text.count(old))]
            if len(holders) != 1:
                raise ValueError(f"{path.name}, {name}: {old!r} stands in {len(holders)} places, and must in one")
            shared[holders[0]] = shared[holders[0]].replace(old, new)
        expected = {"status": name.partition("_")[0]}
        expected |= {key: value for key, value in entry.items() if "." not in key and key not in HOW}
        cases[name] = Case(check=check, name=name, files=shared | own, expected=expected)
    return cases


CASES = tuple(
    sorted((case for path in FOLDER.glob("*.toml") for case in _read(path.stem).values()), key=lambda case: case.id)
)
_BY_ID = {case.id: case for case in CASES}


def case(case_id: str) -> Case:
    """The case `column.type/broken_modifier`."""
    return _BY_ID[case_id]
