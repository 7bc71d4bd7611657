"""Runs made by hand, one for each kind of page that a reader can be handed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from measured import MEASUREMENTS, MIGRATION
from pgcontract.contract.report_outline import default_outline
from pgcontract.model.schema import Column, Constraint, Function, Index, Origin, Schema, Table, Trigger
from pgcontract.result import (
    CheckInfo,
    ClaimResult,
    Decision,
    DocumentInfo,
    Evidence,
    Finding,
    MigrationName,
    Outcome,
    Phase,
    Run,
    RunOptions,
    ScriptFile,
    ServerInfo,
    Severity,
    Status,
    Verdict,
)
from pgcontract.runner import check_infos

TABLE = "public.sessions"
UP = """\
-- One row for each assessment.
CREATE TABLE IF NOT EXISTS public.sessions (
    id         uuid         PRIMARY KEY DEFAULT gen_random_uuid(),
    email      varchar(255) NOT NULL,
    status     varchar(50)  NOT NULL DEFAULT 'pending',
    updated_at timestamptz  NOT NULL DEFAULT now(),

    CONSTRAINT email_format CHECK (email ~ '^[^@]+@[A-Za-z0-9.-]+\\.[A-Z|a-z]{2,}$')
);


CREATE INDEX IF NOT EXISTS idx_sessions_email ON public.sessions (email);
CREATE INDEX IF NOT EXISTS idx_sessions_open ON public.sessions (status) WHERE status = 'pending';

CREATE OR REPLACE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at = now();
    RETURN NEW;
END;
$$;

CREATE OR REPLACE TRIGGER sessions_touch BEFORE UPDATE ON public.sessions
    FOR EACH ROW EXECUTE FUNCTION public.touch();
"""
DOWN = """\
DROP TRIGGER IF EXISTS sessions_touch ON public.sessions;
DROP FUNCTION IF EXISTS public.touch();
DROP TABLE IF EXISTS public.sessions CASCADE;
"""
CONTRACT = "schema/contracts/020_sessions/contract.toml"
COLUMNS = (
    ("id", "uuid", False, "gen_random_uuid()", "Unique session identifier"),
    ("email", "character varying(255)", False, None, "The user's address for contact and notices"),
    ("status", "character varying(50)", False, "'pending'", "Payment life cycle: pending, then completed or failed"),
    ("updated_at", "timestamp with time zone", False, "now()", "Last change, kept by the trigger"),
)
SHAPE = Schema(
    tables=(Table(name=TABLE, purpose="Every assessment from form to payment."),),
    columns=tuple(
        Column(name=f"{TABLE}.{name}", table=TABLE, position=at, type=type_, null=null, default=default, purpose=purpose)
        for at, (name, type_, null, default, purpose) in enumerate(COLUMNS, 1)
    ),
    constraints=(
        Constraint(name=f"{TABLE}.email_format", table=TABLE, form="check",
                   definition="CHECK (email ~ '^[^@]+@[A-Za-z0-9.-]+\\.[A-Z|a-z]{2,}$')",
                   purpose="Keeps typing errors out"),
        Constraint(name=f"{TABLE}.sessions_pkey", table=TABLE, form="primary key", definition="PRIMARY KEY (id)",
                   comment="One row for each id."),
    ),
    indexes=(
        Index(name="public.idx_sessions_email", table=TABLE, keys=("email",), purpose="Fast user look-up"),
        Index(name="public.idx_sessions_open", table=TABLE, keys=("status",), predicate="status = 'pending'",
              purpose="Finds what waits for payment"),
    ),
    triggers=(Trigger(name=f"{TABLE}.sessions_touch", table=TABLE, timing="before", events=("update",), level="row",
                      function="public.touch()", purpose="Keeps updated_at"),),
    functions=(Function(name="public.touch()", language="plpgsql", returns="trigger",
                        body="\nBEGIN\n    NEW.updated_at = now();\n    RETURN NEW;\nEND;\n",
                        purpose="Sets updated_at to the start of the transaction"),),
)  # fmt: skip


def script(path: str, text: str, sha256: str = "ab" * 32, statements: int | None = None) -> ScriptFile:
    lines = text.count("\n") + (bool(text) and not text.endswith("\n"))
    size = len(text.encode(errors="surrogatepass"))
    return ScriptFile(path=path, sha256=sha256, lines=lines, bytes=size, statements=statements, text=text)


def finding(status: Status, check: str, subject: str, summary: str, **more: Any) -> Finding:
    return Finding(check=check, subject=subject, status=status, summary=summary, **{"migration": MIGRATION, **more})


def kept(check: str, subject: str, summary: str = "It is as declared.", **more: Any) -> Finding:
    return finding(Status.KEPT, check, subject, summary, **more)


def noted(check: str, subject: str, summary: str, **more: Any) -> Finding:
    return finding(Status.NOTED, check, subject, summary, **more)


def broken(check: str, subject: str, summary: str, severity: Severity = Severity.ERROR, **more: Any) -> Finding:
    return finding(Status.BROKEN, check, subject, summary, severity=severity, **more)


def claim(
    name: str, description: str, outcome: Outcome, reason: str = "Its checks are kept.", **more: Any
) -> ClaimResult:
    return ClaimResult(id=name, description=description, outcome=outcome, reason=reason, migration=MIGRATION, **more)


def shape() -> tuple[Finding, ...]:
    """Everything that was asked of the objects, and kept."""
    names = {
        "table": [TABLE],
        "column": [f"{TABLE}.{name}" for name, *_ in COLUMNS],
        "constraint": [f"{TABLE}.email_format", f"{TABLE}.sessions_pkey"],
        "index": ["public.idx_sessions_email", "public.idx_sessions_open"],
        "trigger": [f"{TABLE}.sessions_touch"],
        "function": ["public.touch()"],
    }
    promises = {
        "table": "present definition security",
        "column": "present type nullability default storage",
        "constraint": "present definition state",
        "index": "present definition state",
        "trigger": "present definition state",
        "function": "present definition attributes",
    }
    promised = ((kind, promise, name) for kind in names for name in names[kind] for promise in promises[kind].split())
    claims = {f"{TABLE}.email": ("T2",), f"{TABLE}.email_format": ("V2",), "public.idx_sessions_email": ("I1",)}
    return (
        *(kept(f"{kind}.{promise}", name, claims=claims.get(name, ())) for kind, promise, name in promised),
        *(kept("object.commented", f"{kind} {name}") for kind in names for name in names[kind]),
    )


def life() -> tuple[Finding, ...]:
    """What the script does when it runs, runs again, fails and is taken back."""
    inventory = Evidence(
        title="What the text says it creates",
        columns=("line", "statement", "creates"),
        rows=(("2", "CREATE TABLE", TABLE), ("12", "CREATE INDEX", "public.idx_sessions_email")),
    )
    without = Evidence(title="Objects left behind", columns=("failing statement", "left"), rows=(("3", "1 table"),))
    return (
        kept("file.checksum", "sha256", "The file has the checksum that the contract pins."),
        kept("script.objects_created", "script", "The text creates 5 objects, and all are there.", evidence=(inventory,)),
        noted("script.parsed", "script", "Statement 4 (line 15) cannot be read; the catalog judged what it makes."),
        kept("script.applies", "script", "It applies without an error."),
        kept("script.transaction", "script", "It applies as one transaction."),
        kept("script.rerun", "script", "A second run raises nothing and changes neither rows nor objects."),
        kept("script.atomic", "script", "A failure at any of 5 statements leaves nothing behind in one transaction."),
        noted("script.psql", "script", "Without -1, psql leaves what came before a failure.", evidence=(without,)),
        noted("access.default_privileges", f"table {TABLE}", "Default privileges give anon 1 privilege now, 5 before."),
        kept("rollback.restores", "script", "The way back restores the exact catalog."),
        kept("rollback.from_partial", "script", "It restores the catalog from after each of 5 statements."),
        kept("rollback.repeatable", "script", "It may be run twice."),
    )


def queries() -> tuple[Finding, ...]:
    sql = Evidence(title="Query", text="SELECT table_name\n  FROM information_schema.tables;", language="sql")
    result = Evidence(title="Result", columns=("table_name",), rows=(("sessions",),))
    nothing = Evidence(title="Result", columns=("count",), rows=())
    return (
        kept("verification.query", "Q1", "It shows that the table exists.", evidence=(sql, result), claims=("Q1",),
             remedy="A table that another role owns is not listed."),
        kept("verification.query", "Q5", "It returns no row.", evidence=(nothing,)),
    )  # fmt: skip


CLAIMS = (
    claim("H3", "Design, validation, indexes and trigger are sound", Outcome.NOT_SHOWN, "Pending: behaviour.",
          section="summary"),
    claim("C4", "5 CHECK constraints", Outcome.CORRECTED, "The server counts 1.", corrected="1 CHECK constraint",
          decided_by=("schema.count[checks = 1]",)),
    *(claim(f"T{n}", f"Column {n} is as the table says", Outcome.UPHELD,
            decided_by=tuple(f"column.{word}[{TABLE}.email]" for word in ("present", "type", "nullability", "default")))
      for n in range(1, 5)),
    claim("V2", "An RFC 5322 pattern that keeps invalid addresses out of storage", Outcome.NOT_SHOWN,
          "Pending: the language of the pattern.", section="rules"),
    claim("I1", "Fast user look-up, prevents duplicate submissions", Outcome.NOT_SHOWN, "Pending: behaviour.",
          section="indexes"),
    claim("G3", "Keeps `updated_at` on every INSERT and every UPDATE", Outcome.UPHELD,
          decided_by=(f"trigger.definition[{TABLE}.sessions_touch]",)),
    claim("Q1", "The table exists", Outcome.UPHELD, decided_by=("verification.query[Q1]",)),
    claim("A4", "Durability by the write-ahead log", Outcome.NOT_SHOWN, "Pending: a server that may be stopped.",
          section="transactions"),
    claim("F1", "Insert takes about 2–5 ms a row", Outcome.NOT_SHOWN, "Pending: speed.", section="performance"),
    claim("F3", "By email O(log n)", Outcome.NOT_SHOWN, "Pending: speed.", section="performance"),
    claim("R1", "Everything gone, in reverse order of dependency", Outcome.UPHELD,
          decided_by=("rollback.restores[script]",)),
    claim("Z7", "Execution method: manual", Outcome.UNTESTABLE, "It is a decision, not a property.", section="status"),
)  # fmt: skip


BASE = Run(
    pgcontract="0.1.0",
    started="2026-01-04T10:00:00Z",
    migration=MIGRATION,
    chain=(MigrationName(key=MIGRATION, display_name="020"),),
    verdict=Verdict(decision=Decision.CAUTION, reasons=("1 correction: C4", "6 claims are not shown")),
    findings=(*shape(), *life(), *queries()),
    claims=CLAIMS,
    checks=(),
    outline=default_outline(),
    script=script("schema/migrations/020_sessions.sql", UP, statements=5),
    rollback=script("schema/migrations/020_sessions.down.sql", DOWN, "cd" * 32),
    platform="supabase",
    production_major=17,
    document=DocumentInfo(
        title="Assessment sessions",
        date="2026-01-04",
        status="prepared for execution",
        owner="The owner",
    ),
    declared=SHAPE,
    live=SHAPE,
    server=ServerInfo(provider="wheel", version="18.6", major=18),
    options=RunOptions(seed=20),
    phases=(Phase(name="server", wall_ms=210.5, cpu_ms=40.0),),
    project="schema",
)


def checks_of(findings: Iterable[Finding]) -> tuple[CheckInfo, ...]:
    found = {finding.check for finding in findings}
    return tuple(info for info in check_infos().values() if info.id in found)


def base(**changes: Any) -> Run:
    run = replace(BASE, **changes)
    return replace(run, checks=checks_of(run.findings))


def caution() -> Run:
    """A contract, everything kept, some claims still open."""
    return base()


def blocked() -> Run:
    """Broken promises of every weight, one settled, one check that failed to answer."""
    exposed = broken(
        "access.default_privileges", f"table {TABLE}", "anon can read every row under the old regime.", Severity.CRITICAL,
        expected="no privilege", actual="select, insert, update, delete",
        remedy="Enable row level security and revoke what is not needed.",
        origin=Origin(file="schema/migrations/020_sessions.sql", line=2),
        evidence=(Evidence(title="As anon", text="SELECT email FROM public.sessions;\n-- 1 row", language="sql"),),
    )  # fmt: skip
    insert = broken(
        "trigger.definition", f"{TABLE}.sessions_touch", "The trigger does not fire on INSERT.",
        expected="before insert or update, for each row", actual="before update, for each row", claims=("G3",),
        remedy="Add INSERT, or correct the claim.", origin=Origin(file=CONTRACT, line=31, column=5),
    )  # fmt: skip
    body = broken(
        "function.definition", "public.touch()", "The body differs.", Severity.WARNING,
        expected="BEGIN\n  NEW.updated_at = clock_timestamp();\n  RETURN NEW;\nEND",
        actual="BEGIN\n  NEW.updated_at = now();\n  RETURN NEW;\nEND",
    )  # fmt: skip
    counted = broken("schema.count", "checks = 5", "There is 1 CHECK.", expected="5", actual="1",
                     resolution="corrected", claims=("C4",))  # fmt: skip
    unknown = finding(Status.UNKNOWN, "constraint.definition", f"{TABLE}.email_format",
                      "The two spellings are not proven the same.", expected="a", actual="b")  # fmt: skip
    ill = finding(Status.ERROR, "table.row_count", TABLE, "The check itself failed.",
                  evidence=(Evidence(title="Traceback", text="ZeroDivisionError: division by zero"),))  # fmt: skip
    wrong = (exposed, insert, body, counted, unknown, ill)
    replaced = {new.item for new in wrong}
    refuted = claim("G3", "Keeps `updated_at` on every INSERT and every UPDATE", Outcome.REFUTED,
                    "The trigger does not fire on INSERT.", decided_by=(insert.item,))  # fmt: skip
    return base(
        verdict=Verdict(
            decision=Decision.BLOCKED, reasons=("critical: anon can read every row", "1 claim is refuted: G3")
        ),
        findings=(*(old for old in base().findings if old.item not in replaced), *wrong),
        claims=tuple(refuted if result.id == "G3" else result for result in CLAIMS),
        options=RunOptions(pg="18", only=("column.*",), skip=("information_schema.*",), through="020"),
    )


def refused() -> Run:
    """The server refuses the script: its words first, and nothing else could be asked."""
    said = Evidence(
        title="The server's words",
        text='ERROR:  42601: syntax error at or near "CREAT"\nLINE 2: CREAT TABLE public.sessions (\n        ^',
    )
    applies = broken(
        "script.applies", "script", 'The server refused statement 1: syntax error at or near "CREAT" (42601).',
        origin=Origin(file="schema/migrations/020_sessions.sql", line=2, column=1), evidence=(said,),
        remedy="Correct the statement; nothing after it ran.",
    )  # fmt: skip
    absent = [
        broken("table.present", f"public.t{n}", f"Table public.t{n} is not there.", claims=("C1",)) for n in range(12)
    ]
    unasked = [
        noted(check, "catalog", "The server refused the script.", follows=base().migration)
        for check in ("column.key_width", "column.padded")
    ]
    return base(
        verdict=Verdict(decision=Decision.BLOCKED, reasons=("the script does not apply",)),
        findings=(*absent, applies, *unasked, noted("script.psql", "script", "It needs psql.")),
        claims=(),
        document=DocumentInfo(),
        rollback=None,
        platform="postgres",
        production_major=None,
        live=None,
    )


def bare() -> Run:
    """No contract and no table: a migration of one function, without a way back."""
    (function,) = SHAPE.functions
    return base(
        migration="021_touch",
        chain=(MigrationName(key="021_touch", display_name="021"),),
        verdict=Verdict(decision=Decision.CAUTION, reasons=("no contract: nothing was promised",)),
        findings=tuple(replace(told, migration="021_touch") for told in life() if told.check.startswith("script.")),
        claims=(),
        script=script("021_touch.sql", UP, "ef" * 32, statements=1),
        rollback=None,
        platform="postgres",
        production_major=None,
        document=DocumentInfo(),
        declared=None,
        live=Schema(functions=(replace(function, purpose=None, comment="Sets updated_at"),)),
    )


HOSTILE = "a|b`c``<b>x</b>\n# h %s @team [l](u) \x1b[31m \u202e $1 _e_ *s* {{ 7 * 7 }} </details> ```\n```"


def hostile() -> Run:
    """Names, comments, values and claims that try to be Markdown, HTML, terminal codes or templates."""
    name = f'public."{HOSTILE}"'
    words = {"purpose": HOSTILE, "comment": HOSTILE}
    column = Column(name=f"{name}.c", table=name, position=1, type=HOSTILE, default=HOSTILE, purpose=HOSTILE)
    exhibit = Evidence(title=HOSTILE, text=HOSTILE, columns=(HOSTILE, "b"), rows=((HOSTILE,), ("x" * 900, "", "3")))
    wrong = broken("table.present", name, HOSTILE, expected=HOSTILE, actual=HOSTILE, remedy=HOSTILE, claims=("G3",),
                   origin=Origin(file="a b%,:|`.sql", line=3), evidence=(exhibit,))  # fmt: skip
    return base(
        verdict=Verdict(decision=Decision.BLOCKED, reasons=(HOSTILE,)),
        findings=(wrong, kept("column.type", f"{name}.c", HOSTILE, evidence=(exhibit,))),
        claims=(claim("G3", HOSTILE, Outcome.REFUTED, HOSTILE, decided_by=(wrong.item,)),),
        document=DocumentInfo(title=HOSTILE, purpose=HOSTILE, owner=HOSTILE, project_ref="x'; rm -rf"),
        script=script("a 'b`|.sql", f"SELECT 1;\r\n```\n{HOSTILE}\n\n\nSELECT 2;"),
        rollback=script("d.sql", HOSTILE, "cd" * 32),
        production_major=None,
        declared=Schema(
            tables=(Table(name=name, **words),),
            columns=(column,),
            functions=(Function(name=name, language="sql", body=HOSTILE, **words),),
        ),
        live=None,
    )


def measured() -> Run:
    """Queries and writes with their figures: pictures, tables, and what was found of each."""
    findings = (
        kept("query.index", "by_email", "The index public.idx_sessions_email serves it.", claims=("F3",)),
        broken("query.growth", "open", "It grows with the table.", Severity.WARNING, expected="O(rows)", actual="O(n)"),
        kept("write.growth", "checkout.submit", "An insert grows with the heights of the indexes alone.", claims=("F1",)),
    )
    return base(findings=(*base().findings, *findings), measurements=MEASUREMENTS)


RUNS = {make_run.__name__: make_run() for make_run in (caution, blocked, refused, bare, hostile, measured)}
