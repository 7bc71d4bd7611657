"""The smallest projects that show what each check says, `tests/cases/<check id>.toml`, as folders to be judged.

How a case is written is told in pgcontract.rules.examples; what it expects, in tests/rules/cases.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pgcontract.rules.examples import FOLDER, Example, read_examples
from written_files import write_files


@dataclass(frozen=True, kw_only=True, eq=False)
class Case(Example):
    """An example that can be written to a folder."""

    @property
    def id(self) -> str:
        """`column.type/broken_modifier`."""
        return f"{self.check}/{self.name}"

    @contextmanager
    def project(self) -> Iterator[Path]:
        """The folder of the project, for as long as it is looked at."""
        with TemporaryDirectory(prefix="pgcontract-case-") as temporary:
            root = Path(temporary) / self.name
            self.write(root)
            yield root

    def write(self, root: Path) -> None:
        write_files(root, self.whole_files)


CASES = tuple(
    sorted(
        (Case(**vars(example)) for path in FOLDER.glob("*.toml") for example in read_examples(path.stem).values()),
        key=lambda case: case.id,
    )
)
_BY_ID = {case.id: case for case in CASES}


def case(case_id: str) -> Case:
    """The case `column.type/broken_modifier`."""
    return _BY_ID[case_id]
