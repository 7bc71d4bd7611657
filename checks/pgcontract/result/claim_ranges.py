"""Ids of claims shortened to ranges: T1, T2, T3 and V1 are T1–T3 V1."""

from __future__ import annotations

import re
from collections.abc import Iterable


def shorten_ids(ids: Iterable[str]) -> tuple[str, ...]:
    """Ids in their own order, runs of three or more closed up: T1 T2 T3 V1 is T1–T3 V1.

    An id may be led by its migration's digits; a run names them once: 020:F1 020:F2 020:F3 is 020:F1–F3.
    """
    runs: list[list[str]] = []
    for identifier in sorted(set(ids), key=natural_sort_key):
        if runs and _follows(runs[-1][-1], identifier):
            runs[-1].append(identifier)
        else:
            runs.append([identifier])
    return tuple(part for run in runs for part in ((f"{run[0]}–{run[-1].rpartition(':')[2]}",) if len(run) > 2 else run))


def natural_sort_key(text: str) -> tuple[tuple[int, str], ...]:
    """A sorting key under which T2 stands before T10."""
    return tuple((int(piece), "") if piece.isdecimal() else (-1, piece) for piece in re.split(r"(\d+)", text))


def _follows(before: str, after: str) -> bool:
    first, second = (re.fullmatch(r"((?:\w+:)?[A-Za-z]+)([0-9]{1,6})", identifier) for identifier in (before, after))
    return bool(first and second and first[1] == second[1] and int(first[2]) + 1 == int(second[2]))
