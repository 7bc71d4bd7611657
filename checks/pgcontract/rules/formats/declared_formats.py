"""The formats that a contract declares, and how they are called."""

from __future__ import annotations

from pgcontract.contract import ColumnFormat
from pgcontract.probes.promise import Promise


def declared_formats(promise: Promise) -> tuple[ColumnFormat, ...]:
    """Those that the promise's contract declares."""
    return promise.contract.of(ColumnFormat) if promise.contract else ()


def format_text(column_format: ColumnFormat) -> str:
    """`email (dialect rfc5322)`."""
    parameters = ", ".join(f"{name} {value}" for name, value in column_format.parameters.items())
    return f"{column_format.standard} ({parameters})" if parameters else column_format.standard
