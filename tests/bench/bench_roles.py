"""What it costs to try roles and to run bodies at the head of a Supabase schema of 200 tables, over applying it alone.

Each has row security, policies, three triggers and a function, every other one a view. The arms take turns in one run, a
process each; CPU is user and system time of the process and of all it started, the server among them.
`python tests/bench/bench_roles.py [TABLES [TURNS]]`. Bound: a ratio of 4, which stood for 14 s of CPU (of 20 s, which are
30 s on the machine for which that was asked).
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from statistics import median

from bench_small_verify import cpu_s

TABLES = 200
BOUND = 4
AT_HEAD = ("function.*", "trigger.*", "table.*", "policy.*", "view.*", "access.*", "column.*", "bucket.*")
KINDS = ("own", "four", "child", "shared")
COMMON = """
CREATE TABLE public.audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(), by_whom uuid,
    what text NOT NULL, note jsonb
);
ALTER TABLE public.audit_log ENABLE ROW LEVEL SECURITY;
CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN NEW.updated_at := now(); RETURN NEW; END $$;
CREATE FUNCTION public.audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
    INSERT INTO public.audit_log (by_whom, what) VALUES (auth.uid(), TG_TABLE_NAME || ' ' || TG_OP);
    RETURN NULL;
END $$;
"""
TABLE = """
CREATE TABLE public.TN (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), owner_id uuid NOT NULL REFERENCES auth.users (id) ON DELETE CASCADE,
    parent_id uuid REFERENCES public.PN (id),
    name text NOT NULL, state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'lost')),
    amount numeric(10,2), due date, data jsonb NOT NULL DEFAULT '{}', created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX TN_owner ON public.TN (owner_id);
CREATE INDEX TN_parent ON public.TN (parent_id);
ALTER TABLE public.TN ENABLE ROW LEVEL SECURITY;
POLICIES
CREATE TRIGGER touch BEFORE UPDATE ON public.TN FOR EACH ROW EXECUTE FUNCTION public.touch();
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON public.TN FOR EACH ROW EXECUTE FUNCTION public.audit();
CREATE FUNCTION public.close_TN(p_id uuid, p_state text) RETURNS integer LANGUAGE plpgsql SET search_path = '' AS $$
DECLARE v integer; r record;
BEGIN
    IF p_state NOT IN ('open', 'done') THEN RAISE EXCEPTION 'no such state: %', p_state; END IF;
    IF p_state = 'done' THEN
        UPDATE public.TN SET state = p_state, due = current_date WHERE id = p_id;
        GET DIAGNOSTICS v = ROW_COUNT;
    ELSE
        FOR r IN SELECT t.id, t.name FROM public.TN AS t WHERE t.due < current_date LOOP
            UPDATE public.TN SET name = r.name || '!' WHERE id = r.id;
        END LOOP;
        v := 0;
    END IF;
    RETURN v;
END $$;
CREATE FUNCTION public.log_TN() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.state IS DISTINCT FROM OLD.state THEN
        PERFORM 1 FROM public.TN AS t WHERE t.id = NEW.id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER log AFTER INSERT OR UPDATE ON public.TN FOR EACH ROW EXECUTE FUNCTION public.log_TN();
"""
VIEW = """
CREATE VIEW public.open_TN WITH (security_invoker = true) AS SELECT id, name, due FROM public.TN WHERE state = 'open';
"""
POLICIES = {
    "own": "CREATE POLICY own ON public.TN FOR ALL TO authenticated USING (owner_id = (SELECT auth.uid()))"
    " WITH CHECK (owner_id = (SELECT auth.uid()));",
    "four": "CREATE POLICY see ON public.TN FOR SELECT TO authenticated USING (owner_id = (SELECT auth.uid()));"
    " CREATE POLICY add ON public.TN FOR INSERT TO authenticated WITH CHECK (owner_id = (SELECT auth.uid()));"
    " CREATE POLICY change ON public.TN FOR UPDATE TO authenticated USING (owner_id = (SELECT auth.uid()));"
    " CREATE POLICY remove ON public.TN FOR DELETE TO authenticated USING (owner_id = (SELECT auth.uid()));",
    "child": "CREATE POLICY by_parent ON public.TN FOR ALL TO authenticated USING (owner_id = (SELECT auth.uid())"
    " AND (parent_id IS NULL OR EXISTS (SELECT 1 FROM public.PN AS p WHERE p.id = parent_id)));",
    "shared": "CREATE POLICY read ON public.TN FOR SELECT USING (true);"
    " CREATE POLICY own ON public.TN FOR ALL TO authenticated USING (owner_id = (SELECT auth.uid()));",
}


def write_schema(folder: Path, tables: int) -> None:
    """Two migrations: the tables with all that stands on them, and a column."""
    (folder / "migrations").mkdir(parents=True)
    (folder / "pgcontract.toml").write_text('[production]\nplatform = "supabase"\n', encoding="utf-8")
    text = [COMMON]
    for number in range(tables):
        table = TABLE.replace("POLICIES", POLICIES[KINDS[number % len(KINDS)]]) + (VIEW if number % 2 else "")
        text.append(table.replace("TN", f"t{number}").replace("PN", f"t{max(number - 1, 0)}"))
    (folder / "migrations" / "001_schema.sql").write_text("\n".join(text), encoding="utf-8")
    (folder / "migrations" / "002_note.sql").write_text("ALTER TABLE public.t1 ADD COLUMN note text;\n", encoding="utf-8")


def main() -> None:
    tables = int(sys.argv[1]) if len(sys.argv) > 1 else TABLES
    turns = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    print(f"medians of {turns} turns on {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "schema"
        write_schema(folder, tables)
        command = [sys.executable, "-m", "pgcontract", "verify", str(folder)]
        arms = {"without": ("script.applies",), "with": ("script.applies", *AT_HEAD)}
        arguments = {
            arm: [*command, *(word for check in checks for word in ("--only", check))] for arm, checks in arms.items()
        }
        for words in arguments.values():  # fills the caches
            cpu_s(words, folder)
        used: dict[str, list[float]] = {arm: [] for arm in arms}
        for _ in range(turns):
            for arm, words in arguments.items():
                used[arm].append(cpu_s(words, folder))
    without, whole = median(used["without"]), median(used["with"])
    ratio = (whole - without) / without
    print(f"{tables} tables: {whole - without:.1f} s of CPU more than the {without:.1f} s of applying them alone")
    print(f"over that: {ratio:.2f} (bound {BOUND}: {ratio / BOUND:.2f})")


if __name__ == "__main__":
    main()
