"""What a statement writes, by column, and the constants that each value can be."""

from __future__ import annotations

import pytest
from pgcontract.model.sql.written_values import constants_of, read_writes

BODY = """
DECLARE v text := 'mine'; w text := 'a'; x text DEFAULT 'b'; y text := 'c';
BEGIN
    w := 'later';
    SELECT 1, 'd' INTO z, x FROM t;
    FOR y IN SELECT 'e' LOOP NULL; END LOOP;
    IF v = 'none' THEN NULL; END IF;
END
"""


@pytest.mark.parametrize(("statement", "expected"), [
    ("UPDATE ONLY s.t AS x SET a = 'b', n = n - 1, (c, d) = (1, 2), (e, f) = (SELECT 1, 2) WHERE a = 'z'",
     [{"a": ("'b'",), "n": (), "c": ("1",), "d": ("2",)}]),
    ('INSERT INTO t AS x ("B") VALUES (-5::int), (DEFAULT)', [{"B": ("-5::int",)}, {"B": ("DEFAULT",)}]),
    ("INSERT INTO t (a) SELECT 'b' AS c FROM u", [{"a": ("'b'",)}]),
    ("INSERT INTO t (a) VALUES (p) ON CONFLICT (a) DO UPDATE SET a = 'b'", [{"a": ()}, {"a": ("'b'",)}]),
    ("INSERT INTO t (a) SELECT * FROM u", []),
    ("INSERT INTO t (a) VALUES (", []),
    ("NEW.a := CASE WHEN v THEN 'b' ELSE ('c') END", [{"a": ("'b'", "'c'")}]),
    ("UPDATE t SET a = coalesce(p, 'b'), b = coalesce()", [{"a": ("'b'",), "b": ()}]),
    ("UPDATE t SET a = v, b = w, c = x, d = y", [{"a": ("'mine'",), "b": (), "c": (), "d": ()}]),
    ("EXECUTE 'UPDATE t SET a = ''b''' USING p", [{"a": ("'b'",)}]),
    ("WITH u AS (SELECT 1) UPDATE t SET a = true FROM u", [{"a": ("true",)}]),
    ("WITH u AS (UPDATE t SET a = 1 RETURNING b) INSERT INTO v (b) SELECT b FROM u", [{"a": ("1",)}, {"b": ()}]),
    ("WITH u AS (SELECT 1) SELECT a FROM t FOR UPDATE", []),
    ("EXECUTE 'UPDATE t SET a = $1, b = $2, c = $3' USING 'b', w, 1 + 1", [{"a": ("'b'",), "b": (), "c": ()}]),
    ("MERGE INTO t USING u ON u.a = t.a WHEN MATCHED AND u.b THEN UPDATE SET a = CASE WHEN u.c THEN 1 ELSE 2 END "
     "WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (a) VALUES (3)", [{"a": ("1", "2")}, {"a": ("3",)}]),
    ("FOR r IN UPDATE t SET a = 'b' RETURNING * LOOP", [{"a": ("'b'",)}]),
    ("SELECT a FROM t FOR UPDATE", []),
])  # fmt: skip
def test_written_values_are_read(statement: str, expected: list[dict[str, tuple[str, ...]]]) -> None:
    actual = [
        {name: constants_of(value, BODY) for name, value in write.values.items()} for write in read_writes(statement)
    ]

    assert expected == actual
