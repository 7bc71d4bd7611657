"""Globs over a check and its subject, as claims and waivers write them."""

from __future__ import annotations

from fnmatch import fnmatchcase


def matches_finding(check_glob: str, subject_glob: str, check: str, subject: str) -> bool:
    """Whether both globs match. In that of a subject, brackets are plain characters: types and arrays hold them."""
    return fnmatchcase(check, check_glob) and fnmatchcase(subject, subject_glob.replace("[", "[[]"))
