"""Examples of what each check calls kept and broken: `cases/<check id>.toml`, a table a case.

The case's name begins with kept or broken. A quoted key is a file of the project and the text of it; a contract's first
line, `migration = ...`, is left out where it names the contract's folder. A case that is `like` another has the files of
that one (`"query.index/kept"`: another check's), `without` some of them, with each `replace = [[old, new], ...]` made
in the one place where the old text stands, and with the files that it gives itself. What a check finds broken only where
it is promised is claimed by the migration that a broken case is about. Every other key is what the check must answer: the
cases are pgcontract's own tests. What all cases of the file have in common stands before them: the `subject`, and the
`severity` of what is broken; the `migration` is also that of the case that it is like.

What `each` of several subjects that are `found` adds to a file is written once: "{subject}" stands for its name, "{type}"
for its own `type`, or the usual one beside the file. A subject that has no such word adds nothing to that file.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

# Beside the code in a wheel; in a checkout they stand where the tests are.
_INSTALLED: Final = Path(__file__).parents[1] / "cases"
FOLDER: Final = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).parents[3] / "tests" / "cases"
_PROMISED: Final = frozenset(
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
_CLAIM: Final = '[[claim]]\nid = "X1"\ndescription = "It is so"\nchecks = ["{check}"]\n'
_HOW: Final = {"like", "without", "replace", "each"}
_HOLE: Final = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Example:
    """A project that keeps or breaks what one check asks, and what must be said of it."""

    check: str
    name: str
    files: Mapping[str, str]
    """The text of each file by its path, as the case writes it."""
    expected: Mapping[str, Any]

    @property
    def is_kept(self) -> bool:
        return self.name.startswith("kept")

    @property
    def whole_files(self) -> Mapping[str, str]:
        """The text of each file by its path, as it stands in a project that can be verified."""
        return {path: _whole(path, text) for path, text in {**self.files, **self._claim()}.items()}

    def _claim(self) -> Mapping[str, str]:
        """The claim without which nothing is broken."""
        if self.check not in _PROMISED or self.is_kept or self.expected["status"] not in ("broken", "unknown"):
            return {}
        scripts = sorted(path for path in self.files if path.endswith(".sql") and not path.endswith(".down.sql"))
        key = self.expected.get("migration", Path(scripts[-1]).stem)
        claims = f"contracts/{key}/claims.toml"
        if claims in self.files:
            return {}
        own = {claims: _CLAIM.format(check=self.check)}
        return own if f"contracts/{key}/contract.toml" in self.files else {f"contracts/{key}/contract.toml": "", **own}


def _whole(path: str, text: str) -> str:
    """The file's text: a contract's first line put before it, and a line break after it."""
    if path.endswith("/contract.toml") and not any(line.startswith("migration =") for line in text.splitlines()):
        text = f'migration = "{Path(path).parent.name}.sql"\n' + ("\n" if text.startswith("[") else "") + text
    return text if text.endswith("\n") else text + "\n"


@cache
def read_examples(check: str) -> Mapping[str, Example]:
    """The cases of one check by their names, in the order of its file."""
    cases: dict[str, Example] = {}
    path = FOLDER / f"{check}.toml"
    document = tomllib.loads(path.read_text("utf-8"))
    if isinstance(document.get("case"), list):
        raise ValueError(f"{path.name}: a case is a table of its own name, [broken_so]; there is no [[case]]")
    usual = {key: value for key, value in document.items() if not isinstance(value, dict)}
    for name, entry in document.items():
        if name in usual:
            continue
        files: dict[str, str] = {}
        expected = {"status": name.partition("_")[0], **usual}
        if "like" in entry:
            of_check, _, like = entry["like"].rpartition("/")
            other = (read_examples(of_check) if of_check else cases)[like]
            files |= other.files
            expected |= {key: other.expected[key] for key in ("migration",) if not of_check and key in other.expected}
        for gone in entry.get("without", ()):
            del files[gone]
        own = {key: text for key, text in entry.items() if "." in key}
        shared = {key: text for key, text in files.items() if key not in own}
        for old, new in entry.get("replace", ()):
            holders = [key for key, text in shared.items() for _ in range(text.count(old))]
            if len(holders) != 1:
                raise ValueError(f"{path.name}, {name}: {old!r} stands in {len(holders)} places, and must in one")
            shared[holders[0]] = shared[holders[0]].replace(old, new)
        expected |= {key: value for key, value in entry.items() if "." not in key and key not in _HOW}
        if "each" in entry:
            own, expected["found"] = _repeated(entry["each"], entry["found"], shared | own)
        if expected["status"] != "broken" and "severity" not in entry:
            expected.pop("severity", None)
        cases[name] = Example(check=check, name=name, files=shared | own, expected=expected)
    return cases


def _repeated(
    each: Mapping[str, str], found: Mapping[str, Mapping[str, Any]], files: Mapping[str, str]
) -> tuple[dict[str, str], Mapping[str, Any]]:
    """The files with what each subject adds to them, and what is found without the words that it fills in."""
    texts = {path: text for path, text in each.items() if "." in path}
    filled = {hole for text in texts.values() for hole in _HOLE.findall(text)}
    whole = dict(files)
    for path, text in texts.items():
        for subject, own in found.items():
            words = {**each, **own, "subject": subject}
            if words.keys() >= set(_HOLE.findall(text)):
                parts = (words[part] if at % 2 else part for at, part in enumerate(_HOLE.split(text)))
                whole[path] = whole.get(path, "") + "".join(parts)
    return whole, {name: {key: word for key, word in own.items() if key not in filled} for name, own in found.items()}


def example_pair(check: str) -> tuple[Example, Example]:
    """The example that keeps what the check asks, and the one that breaks it: the first that it answers so."""
    examples = list(read_examples(check).values())
    kept, broken = (
        min(
            (example for example in examples if example.name.startswith(word)),
            key=lambda example: (example.expected["status"] != word, example.name != word),
        )
        for word in ("kept", "broken")
    )
    return kept, broken
