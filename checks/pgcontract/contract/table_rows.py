"""How many rows production's tables have, as the SELECT that tells it was pasted from wherever it was run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from pgcontract.errors import InputError
from pgcontract.model.identifiers import unquote_identifier
from pgcontract.model.input_file import read_bytes
from pgcontract.model.qualified_name import QualifiedName

SELECT: Final = """\
SELECT format('%I.%I', n.nspname, c.relname) AS "table", t.rows
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT sum(p.reltuples)::bigint FROM pg_class p
    WHERE p.oid IN (SELECT c.oid UNION SELECT relid FROM pg_partition_tree(c.oid))
      AND p.reltuples >= 0 AND p.relkind <> 'p'
) AS t (rows)
WHERE c.relkind IN ('r', 'p', 'm') AND t.rows IS NOT NULL
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
ORDER BY 2 DESC, 1;
"""
"""Asked of production; the counts are those of its last ANALYZE."""

# psql's tables, CSV, Markdown and what a web editor copies differ in what stands between the two.
_ROW: Final = re.compile(r"(?P<name>.*?)[\s|,;]+\"?(?P<rows>\d+)\"?")


def read_table_rows(path: Path) -> Mapping[str, int]:
    """The number of rows by the table's qualified name, spelled as the server does. Raises InputError where there is no
    such file, or no line of it holds a table and a number."""
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError("there is no such file; --stats takes what `pgcontract stats` says", file=str(path)) from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}; check its permissions", file=str(path)) from None
    except UnicodeDecodeError:
        raise InputError("is not UTF-8 text; save it as UTF-8", file=str(path)) from None
    rows = dict(_rows(text))
    if not rows:
        raise InputError(
            "holds no line with a table and its number of rows, as in: public.orders | 5000000; run the SELECT that "
            "`pgcontract stats` prints in production, and paste what it answers",
            file=str(path),
        )
    return rows


def _rows(text: str) -> Iterator[tuple[str, int]]:
    for name, rows in _pairs(text):
        try:
            path = QualifiedName.parse(name)
        except ValueError:
            continue
        if len(path.parts) == 2:
            yield str(path), rows


def _pairs(text: str) -> Iterator[tuple[str, int]]:
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if isinstance(document, list):
        for entry in document:
            if isinstance(entry, dict) and isinstance(entry.get("table"), str) and str(entry.get("rows", "")).isdecimal():
                yield entry["table"], int(entry["rows"])
        return
    for line in text.splitlines():
        if match := _ROW.fullmatch(line.strip(" \t|")):
            name = match["name"].strip()
            yield name, int(match["rows"])
            if name[:1] == name[-1:] == '"':  # CSV puts the whole in quotes, and doubles those within
                yield unquote_identifier(name), int(match["rows"])
