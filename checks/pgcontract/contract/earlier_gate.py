"""What may be asked no more, or less strictly, than at a commit."""

from __future__ import annotations

from pgcontract.contract.severities import Severities
from pgcontract.values import dataclass


@dataclass(frozen=True, kw_only=True)
class Loosening:
    """One thing that may be asked no more, or less strictly: what happened to it (gone, changed, added), what it is, and
    what was said then and now."""

    how: str
    what: str
    then: str = ""
    now: str = ""

    def __str__(self) -> str:
        return f"{self.what} is {self.how}"


@dataclass(frozen=True, kw_only=True)
class LoosenedFile:
    """A file by which less may be asked: `subject` is its path below the project's folder; `path` is empty where it is
    gone."""

    subject: str
    path: str
    changes: tuple[Loosening, ...]


@dataclass(frozen=True, kw_only=True)
class EarlierGate:
    """What asked more at the commit; `severities` are those of then, where the configuration could be read."""

    files: tuple[LoosenedFile, ...] = ()
    severities: Severities | None = None
    configuration: str = ""  # the file by which severities changed
