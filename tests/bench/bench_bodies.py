"""Bodies that fail: who tells them and who accuses their good twins, and what running a large schema costs.

The pairs of tests/unit/body_pairs.toml through pgcontract and, on a server whose superuser may make the extension,
through plpgsql_check at level error (Debian: postgresql-15-plpgsql-check). `python tests/bench/bench_bodies.py [DSN]`.
Bound: 30 s of CPU at the head of a schema of 200 tables with triggers, functions, views and policies.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import psycopg

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

from bench_small_verify import cpu_s
from test_body_pairs import PAIRS, script, told_of

BOUND_S = 30
TABLES = 200
AT_HEAD = ("function.*", "trigger.*", "object.*", "expression.*", "table.primary_key", "unique.*")
FUNCTIONS = """
SELECT p.oid, p.pronamespace::regnamespace::text, p.prorettype = 'trigger'::regtype
  FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
 WHERE p.proname = 'f' AND p.pronamespace::regnamespace::text ~ '^s[0-9]+$'
"""
SAID = """
SELECT count(*) FROM plpgsql_check_function_tb(%s::oid::regprocedure, coalesce(
    (SELECT t.tgrelid FROM pg_trigger AS t WHERE t.tgfoid = %s LIMIT 1), 0)::regclass) AS c WHERE c.level = 'error'
"""


def told_by_plpgsql_check(dsn: str, kind: str) -> set[int]:
    """The pairs of which it says an error, in a transaction that is rolled back."""
    told: set[int] = set()
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS plpgsql_check")
        connection.execute(script(kind).encode())
        for oid, schema, _ in connection.execute(FUNCTIONS).fetchall():
            try:
                with connection.transaction():
                    row = connection.execute(SAID, [oid, oid]).fetchone()
            except psycopg.Error as error:
                print(f"  plpgsql_check could not read {PAIRS[int(schema[1:])]['name']}: {error.diag.message_primary}")
                continue
            if row and row[0]:
                told.add(int(schema[1:]))
        connection.rollback()
    return told


def told_by_pgcontract(folder: Path, kind: str) -> set[int]:
    return {number for number, names in told_of(folder / kind, kind).items() if names}


def compare(folder: Path, dsn: str | None) -> None:
    bad, good = (told_by_pgcontract(folder, kind) for kind in ("bad", "good"))
    print(f"{len(PAIRS)} pairs       bad ones told   good ones accused")
    print(f"pgcontract     {len(bad):>13}   {len(good):>17}")
    if dsn is None:
        return
    other_bad, other_good = (told_by_plpgsql_check(dsn, kind) for kind in ("bad", "good"))
    print(f"plpgsql_check  {len(other_bad):>13}   {len(other_good):>17}")
    names = [PAIRS[number]["name"] for number in sorted(other_bad - bad)]
    print(f"told by plpgsql_check alone: {', '.join(names) or 'none'}")


def write_schema(folder: Path) -> None:
    """Two migrations: so many tables with all that stands on them, and a column."""
    folder.mkdir(parents=True)
    text = [
        "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN NEW.updated_at := now(); RETURN NEW; END $$;"
    ]
    text += [TABLE.replace("TN", f"t{number}").replace("PN", f"t{max(number - 1, 0)}") for number in range(TABLES)]
    (folder / "001_schema.sql").write_text("\n".join(text), encoding="utf-8")
    (folder / "002_note.sql").write_text("ALTER TABLE t1 ADD COLUMN note text;\n", encoding="utf-8")


TABLE = """
CREATE TABLE TN (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, owner_id uuid NOT NULL, parent_id bigint REFERENCES PN (id),
    name text NOT NULL, state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'lost')),
    amount numeric(10,2), due date, data jsonb NOT NULL DEFAULT '{}', updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX TN_owner ON TN (owner_id);
CREATE INDEX TN_parent ON TN (parent_id);
ALTER TABLE TN ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON TN FOR ALL USING (owner_id = nullif(current_setting('app.user', true), '')::uuid);
CREATE TRIGGER touch BEFORE UPDATE ON TN FOR EACH ROW EXECUTE FUNCTION touch();
CREATE FUNCTION close_TN(p_id bigint, p_state text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE v integer; r record;
BEGIN
    IF p_state NOT IN ('open', 'done') THEN RAISE EXCEPTION 'no such state: %', p_state; END IF;
    IF p_state = 'done' THEN
        UPDATE TN SET state = p_state, due = current_date WHERE id = p_id;
        GET DIAGNOSTICS v = ROW_COUNT;
    ELSE
        FOR r IN SELECT t.id, t.name FROM TN AS t WHERE t.due < current_date LOOP
            UPDATE TN SET name = r.name || '!' WHERE id = r.id;
        END LOOP;
        v := 0;
    END IF;
    RETURN v;
END $$;
CREATE FUNCTION log_TN() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.state IS DISTINCT FROM OLD.state THEN PERFORM 1 FROM TN WHERE id = NEW.id; END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER log AFTER INSERT OR UPDATE ON TN FOR EACH ROW EXECUTE FUNCTION log_TN();
CREATE VIEW open_TN AS SELECT id, name, due FROM TN WHERE state = 'open';
"""


def cost(folder: Path) -> None:
    write_schema(folder / "schema")
    command = [sys.executable, "-m", "pgcontract", "verify", str(folder / "schema")]
    arms = {"with": ("script.applies", *AT_HEAD), "without": ("script.applies",)}
    cpu = {}
    for arm, checks in arms.items():
        arguments = [*command, *(word for check in checks for word in ("--only", check))]
        cpu_s(arguments, folder)  # fills the caches
        cpu[arm] = cpu_s(arguments, folder)
    more = cpu["with"] - cpu["without"]
    print(
        f"{TABLES} tables: {more:.1f} s of CPU at the head, the server's included (bound {BOUND_S}: {more / BOUND_S:.2f})"
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        compare(Path(name), sys.argv[1] if len(sys.argv) > 1 else None)
        cost(Path(name))


if __name__ == "__main__":
    main()
