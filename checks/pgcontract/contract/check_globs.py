"""Globs over a check and its subject, as claims and waivers write them."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache


def matches_finding(check_glob: str, subject_glob: str, check: str, subject: str) -> bool:
    """Whether both globs match. In that of a subject, brackets are plain characters: types and arrays hold them."""
    return _matches(check, check_glob) and fnmatchcase(subject, subject_glob.replace("[", "[[]"))


@cache  # every claim asks it of every finding, and check ids are few
def _matches(check: str, glob: str) -> bool:
    return fnmatchcase(check, glob)
