"""Texts that contracts give as examples of a column's values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pgcontract.contract import ColumnFormat
from pgcontract.probes.promise import Promise


def example_texts(promise: Promise) -> Mapping[tuple[str, str], tuple[str, ...]]:
    """Texts that the contracts give as examples of a column, by table and bare column name: samples, then formats,
    then the rows that CHECKs must let in."""
    texts: dict[tuple[str, str], dict[str, None]] = {}
    project, key = promise.project, promise.migration.key
    shape = project.shape(key)

    def add(table: str, column: str, value: Any) -> None:
        if isinstance(value, str):
            texts.setdefault((table, column), {})[value] = None

    for table, sample in shape.samples.items():
        for column, value in sample.items():
            add(table, column, value)
    for migration in project.chain:
        for column_format in migration.of(ColumnFormat):
            for value in column_format.accept:
                add(column_format.table, column_format.bare_column, value)
        if migration.key == key:
            break
    for example in shape.examples:
        for row in example.accept:
            for column, value in row.items():
                add(example.table, column, value)
    return {place: tuple(values) for place, values in texts.items()}
