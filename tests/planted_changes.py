"""Planted changes: for each claim that the shipped chain upholds or mends, an edit of its SQL that makes it false.

Written by hand, then left alone. `refuted` is every claim that the edit makes false, each as `020:T2`: many a claim
sums others up, so that nothing can break a column and leave "schema design: complete" true. No edit adds a line, for
C6 counts them. Edits of 020's shape are judged after 020; those of behaviour at the head of the chain, where 021
keeps what 020 only promised.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from pgcontract import RunOptions, load_project, verify
from pgcontract.result import Outcome
from pgcontract.rules.registry import checks

SCHEMA: Final = Path(__file__).parents[1] / "schema"
UP: Final = "020_assessment_sessions_table.sql"
DOWN: Final = "020_assessment_sessions_table.down.sql"
KEEP: Final = "021_assessment_sessions_keep_promises.sql"

Edit = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class Planted:
    """Edits as (file, old text, new text), each of a text that stands once in its file, and what they refute."""

    name: str
    edits: tuple[Edit, ...]
    refuted: frozenset[str]
    through: str | None


def refuted_by(change: Planted, folder: Path, *, only: Collection[str] = ("*",)) -> frozenset[str]:
    """The claims that turn refuted in a copy of the shipped chain that is edited so, each as `020:T2`.

    Asked are the checks that claims name: those of shape after 020, those of behaviour and of speed at the head; of
    these those that are like one of `only`.
    """
    root = Path(shutil.copytree(SCHEMA, folder / "schema"))
    for file, old, new in change.edits:
        path = root / "migrations" / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{file} has {text.count(old)} times: {old}"
        path.write_text(text.replace(old, new), encoding="utf-8")
    at_head = {check.id for check in checks().values() if check.behaviour or check.head}
    selection = [
        check
        for check in _named_by_claims()
        if (check in at_head) is (change.through is None) and any(fnmatchcase(check, glob) for glob in only)
    ]
    run = verify(load_project(root), RunOptions(through=change.through, only=tuple(selection)))
    return frozenset(
        f"{run.display_name(claim.migration)}:{claim.id}" for claim in run.claims if claim.outcome is Outcome.REFUTED
    )


def decided_claims() -> tuple[str, ...]:
    """The claims that checks alone decide: none is pending, corrected beforehand or untestable."""
    return tuple(
        f"{migration.display_name}:{claim.id}"
        for migration in load_project(SCHEMA).chain
        if migration.contract
        for claim in migration.contract.claims
        if not (claim.untestable or claim.pending or claim.corrected)
    )


def _named_by_claims() -> list[str]:
    contracts = [migration.contract for migration in load_project(SCHEMA).chain if migration.contract]
    return sorted({ref.check for contract in contracts for claim in contract.claims for ref in claim.checks})


def shape(name: str, refuted: str, *edits: Edit) -> Planted:
    """An edit of 020, judged after 020."""
    return Planted(name=name, edits=edits, refuted=frozenset(refuted.split()), through="020")


def head(name: str, refuted: str, old: str, new: str) -> Planted:
    """An edit of 021, judged at the head."""
    return Planted(name=name, edits=((KEEP, old, new),), refuted=frozenset(refuted.split()), through=None)


def known(old: str, new: str) -> tuple[Edit, Edit]:
    """An edit of the shape by which 020's guards, on the way there and back, know their table."""
    return (UP, old, new), (DOWN, old, new)


def at_end(statement: str) -> Edit:
    last = "    'Keeps updated_at on every UPDATE of a row.';"
    return UP, last, f"{last} {statement}"


def dropped(column: str) -> tuple[str, str]:
    """An edit of 021 by which the index of a column is gone."""
    first = "SET LOCAL lock_timeout = '5s';"
    return first, f"{first} DROP INDEX IF EXISTS public.idx_cw_assessment_sessions_{column};"


ON_INSERT: Final = "        NEW.created_at = pg_catalog.now();\n"
ON_UPDATE: Final = "        NEW.created_at = OLD.created_at;\n"
MOVED_ON: Final = "greatest(pg_catalog.clock_timestamp(), OLD.updated_at + interval '1 microsecond')"

SHAPE: Final = (
    shape(
        "a row goes in with the table",
        "020:D1 020:N1",
        at_end(
            "INSERT INTO public.cw_assessment_sessions (email, first_name, form_data) SELECT 'ann@example.com', 'Ann', "
            "'{}' WHERE NOT EXISTS (SELECT FROM public.cw_assessment_sessions);"
        ),
    ),
    shape(
        "a statement is no SQL",
        "020:D1 020:D3 020:H2 020:N1 020:N3 020:Z2",
        (UP, "sessions (email);", "sessions (email),;"),
    ),
    shape("the second run fails", "020:C1 020:C6 020:Z2", (UP, "CREATE OR REPLACE TRIGGER", "CREATE TRIGGER")),
    shape(
        "every run changes a row",
        "020:C1 020:C6 020:Z2",
        at_end("UPDATE public.cw_assessment_sessions SET first_name = left(first_name || 'x', 100);"),
    ),
    shape(
        "a second table",
        "020:C1 020:Z1",
        at_end("CREATE TABLE IF NOT EXISTS public.cw_more (id integer);"),
        (DOWN, "    DROP TABLE IF EXISTS", "    DROP TABLE IF EXISTS public.cw_more; DROP TABLE IF EXISTS"),
    ),
    shape(
        "a fifth index",
        "020:C2 020:N1 020:Q3 020:Z1",
        at_end("CREATE INDEX IF NOT EXISTS idx_cw_more ON public.cw_assessment_sessions (first_name);"),
    ),
    shape(
        "a second trigger",
        "020:C3 020:N1 020:Q4 020:Z1",
        at_end(
            "CREATE OR REPLACE TRIGGER trigger_cw_more BEFORE UPDATE ON public.cw_assessment_sessions "
            "FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();"
        ),
    ),
    shape(
        "a comment is missing",
        "020:C5 020:Z6",
        (
            UP,
            "sessions.completed_at IS\n    'When the workflow finished; null until then.'",
            "sessions.completed_at IS\n    NULL",
        ),
    ),
    shape(
        "statistics that nobody declared",
        "020:Z1",
        at_end("CREATE STATISTICS IF NOT EXISTS public.cw_more ON email, first_name FROM public.cw_assessment_sessions;"),
    ),
    shape(
        "id has no default",
        "020:N1 020:Q5 020:Q6 020:S1 020:T1 020:Z1",
        (UP, "PRIMARY KEY DEFAULT gen_random_uuid()", "PRIMARY KEY"),
        *known("id uuid NOT NULL DEFAULT gen_random_uuid();", "id uuid NOT NULL;"),
    ),
    shape(
        "email is shorter",
        "020:T2 020:Z1",
        (UP, "email                    varchar(255)", "email                    varchar(254)"),
        *known("email character varying(255)", "email character varying(254)"),
    ),
    shape(
        "first_name is longer",
        "020:T3 020:Z1",
        (UP, "first_name               varchar(100)", "first_name               varchar(120)"),
        *known("first_name character varying(100)", "first_name character varying(120)"),
    ),
    shape(
        "form_data may be null",
        "020:N1 020:Q2 020:T4 020:V1 020:Z1",
        (UP, "form_data                jsonb        NOT NULL", "form_data                jsonb"),
        *known("form_data jsonb NOT NULL", "form_data jsonb"),
    ),
    shape(
        "stripe_session_id is longer",
        "020:S2 020:T6 020:Z1",
        (UP, "stripe_session_id        varchar(255)", "stripe_session_id        varchar(300)"),
        *known("stripe_session_id character varying(255)", "stripe_session_id character varying(300)"),
    ),
    shape(
        "stripe_payment_intent_id is longer",
        "020:T7 020:Z1",
        (UP, "stripe_payment_intent_id varchar(255)", "stripe_payment_intent_id varchar(300)"),
        *known("stripe_payment_intent_id character varying(255)", "stripe_payment_intent_id character varying(300)"),
    ),
    shape(
        "created_at is the statement's time",
        "020:N1 020:Q6 020:T8 020:Z1",
        (
            UP,
            "created_at               timestamptz  NOT NULL DEFAULT now()",
            "created_at timestamptz NOT NULL DEFAULT statement_timestamp()",
        ),
        *known(
            "created_at timestamp with time zone NOT NULL DEFAULT now()",
            "created_at timestamp with time zone NOT NULL DEFAULT statement_timestamp()",
        ),
    ),
    shape(
        "a form may be an array",
        "020:C4 020:V1 020:Z5",
        (UP, "CHECK (jsonb_typeof(form_data) = 'object'),", "CHECK (jsonb_typeof(form_data) <> 'null'),"),
        *known("CHECK (jsonb_typeof(form_data) = 'object'::text)", "CHECK (jsonb_typeof(form_data) <> 'null'::text)"),
    ),
    shape(
        "what is acknowledged is not logged",
        "020:A4 020:H3 020:Z1",
        (UP, "CREATE TABLE IF NOT EXISTS public", "CREATE UNLOGGED TABLE IF NOT EXISTS public"),
        *known("relkind r, relpersistence p;", "relkind r, relpersistence u;"),
    ),
    shape("oldest first", "020:F5 020:I4 020:Z3", (UP, "(created_at DESC)", "(created_at)")),
    shape(
        "the function is stable",
        "020:G1 020:Z4",
        (UP, "LANGUAGE plpgsql\nAS $function$", "LANGUAGE plpgsql STABLE\nAS $function$"),
    ),
    shape(
        "the trigger fires after the write",
        "020:F2 020:G2 020:G3 020:G4 020:T9 020:Z4",
        (UP, "    BEFORE UPDATE ON public", "    AFTER UPDATE ON public"),
    ),
    # Without its table hardly anything is left to be true; with it, what Q1 asks cannot fail.
    shape(
        "the table has another name",
        "020:C1 020:C3 020:C6 020:D1 020:F3 020:F5 020:G2 020:G3 020:G4 020:H3 020:I1 020:I2 020:I3 020:I4 "
        "020:N1 020:Q1 020:Q2 020:Q3 020:Q4 020:Q5 020:Q6 020:R1 020:S1 020:S3 020:T1 020:T10 020:T2 020:T3 "
        "020:T4 020:T5 020:T6 020:T7 020:T8 020:T9 020:V1 020:V2 020:V3 020:V4 020:Z1 020:Z2 020:Z3 020:Z4 020:Z5",
        at_end("ALTER TABLE public.cw_assessment_sessions RENAME TO cw_assessment_session;"),
    ),
    shape(
        "the function stays",
        "020:R1",
        (DOWN, "    DROP FUNCTION IF EXISTS public.update_cw_assessment_sessions_updated_at();\n", ""),
    ),
)

HEAD: Final = (
    head(
        "a domain may begin with a dot",
        "020:H2 020:H3 020:V2 020:Z5 021:V2",
        "sub_domain     CONSTANT text := '[A-Za-z0-9](",
        "sub_domain     CONSTANT text := '[A-Za-z0-9.-](",
    ),
    head("an apostrophe is refused", "021:V2", "!#$%&''*+/=?^_`{|}~-]+'", "!#$%&*+/=?^_`{|}~-]+'"),
    head(
        "a zero width space is a name",
        "020:H2 020:H3 020:V3 020:Z5",
        r"\u2000-\u200F",
        r"\u2000-\u200A\u200C-\u200F",
    ),
    head(
        "a row may start as failed",
        "020:A2 020:H2 020:H3 020:T5 021:T5",
        "WHEN (NEW.payment_status <> 'pending')",
        "WHEN (NEW.payment_status NOT IN ('pending', 'failed'))",
    ),
    head(
        "one name goes anywhere",
        "020:A2 020:H2 020:H3 020:V4 020:Z5 021:T5",
        "('completed', 'refunded')))\n    EXECUTE",
        "('completed', 'refunded')) AND NEW.first_name <> 'root')\n    EXECUTE",
    ),
    head(
        "a row that has its session may start as anything",
        "020:A2 020:H2 020:H3 020:T5 021:T5",
        "WHEN (NEW.payment_status <> 'pending')",
        "WHEN (NEW.payment_status <> 'pending' AND NEW.stripe_session_id IS NULL)",
    ),
    head(
        "one name has its time whatever its status",
        "020:A2 020:H2 020:H3 020:T10",
        "                (completed_at IS NOT NULL) = (payment_status IN ('completed', 'refunded'))\n",
        "                (completed_at IS NOT NULL) = (payment_status IN ('completed', 'refunded')) "
        "OR first_name = 'root'\n",
    ),
    head(
        "refunded goes back to pending",
        "020:A2 020:H2 020:H3 020:V4 020:Z5 021:T5",
        "('completed', 'refunded')))\n    EXECUTE",
        "('completed', 'refunded'), ('refunded', 'pending')))\n    EXECUTE",
    ),
    head(
        "completed_at is not tied to the status",
        "020:A2 020:H2 020:H3 020:T10",
        "                (completed_at IS NOT NULL) = (payment_status IN ('completed', 'refunded'))\n",
        "                completed_at IS NULL OR completed_at IS NOT NULL\n",
    ),
    head(
        "an address may wait twice",
        "020:H2 020:H3 020:I1 020:S3 021:S1 021:S3",
        "CREATE UNIQUE INDEX idx_cw_assessment_sessions_open_email",
        "CREATE INDEX idx_cw_assessment_sessions_open_email",
    ),
    head(
        "a session may have two rows",
        "020:H2 020:H3 020:I3 020:S3",
        "CREATE UNIQUE INDEX idx_cw_assessment_sessions_stripe_session_id_unique",
        "CREATE INDEX idx_cw_assessment_sessions_stripe_session_id_unique",
    ),
    head(
        "an insert keeps the caller's time",
        "020:A2 020:G3 020:G4 020:H2 020:H3 020:T9 021:G4",
        "BEFORE INSERT OR UPDATE ON",
        "BEFORE UPDATE ON",
    ),
    head(
        "a time may stand still",
        "020:G4 020:H2 020:H3 020:T9 021:G4",
        MOVED_ON,
        "greatest(pg_catalog.now(), OLD.updated_at)",
    ),
    head(
        "an update keeps the caller's time",
        "020:G3 020:G4 020:H2 020:H3 020:T9 021:G4",
        MOVED_ON,
        "greatest(NEW.updated_at, OLD.updated_at + interval '1 microsecond')",
    ),
    head(
        "an update keeps a time of this day",
        "020:G4 020:H2 020:H3 020:T9 021:G4",
        MOVED_ON,
        "CASE WHEN NEW.updated_at > OLD.updated_at AND NEW.updated_at < pg_catalog.now() + interval '1 day' "
        f"THEN NEW.updated_at ELSE {MOVED_ON} END",
    ),
    head(
        "one name keeps the time that it sends",
        "020:G4 020:H2 020:H3 020:T9 021:G4",
        ON_UPDATE,
        "        IF NEW.first_name = 'root' AND NEW.updated_at <> OLD.updated_at THEN\n            RETURN NEW;\n"
        f"        END IF;\n{ON_UPDATE}",
    ),
    head(
        "a name that has its session may show nothing",
        "020:H2 020:H3 020:V3 020:Z5",
        "ADD CONSTRAINT first_name_not_empty CHECK (first_name ~ %L) NOT VALID",
        "ADD CONSTRAINT first_name_not_empty CHECK (first_name ~ %L OR stripe_session_id IS NOT NULL) NOT VALID",
    ),
    head(
        "a row without an address is left out in silence",
        "020:A1 020:H3",
        "    IF TG_OP = 'INSERT' THEN\n        NEW.created_at",
        "    IF NEW.email IS NULL THEN\n        RETURN NULL;\n    END IF;\n"
        "    IF TG_OP = 'INSERT' THEN\n        NEW.created_at",
    ),
    head(
        "a form is never changed",
        "020:A3 020:H3",
        ON_UPDATE,
        f"{ON_UPDATE}        NEW.form_data = OLD.form_data;\n",
    ),
    head(
        "a name is shortened",
        "020:N1 020:S1 020:S3 021:S1 021:S3",
        ON_INSERT,
        f"{ON_INSERT}        NEW.first_name = pg_catalog.left(NEW.first_name, 1);\n",
    ),
    head(
        "a session is never changed",
        "020:N1 020:S2 020:S3 021:S2 021:S3",
        ON_UPDATE,
        f"{ON_UPDATE}        NEW.stripe_session_id = OLD.stripe_session_id;\n",
    ),
    head("addresses have no index", "020:F3 020:I1", *dropped("email")),
    head("states have no index", "020:F4 020:I2", *dropped("payment_status")),
    head("times have no index", "020:F5 020:I4", *dropped("created_at")),
    head(
        "an update fires no trigger",
        "020:F2 020:G3 020:G4 020:H2 020:H3 020:T9 021:G4",
        "BEFORE INSERT OR UPDATE ON",
        "BEFORE INSERT ON",
    ),
)

CHANGES: Final = (*SHAPE, *HEAD)
