"""Folders of migrations and contracts as Hypothesis makes them: what is usual, what is rare, names that steer nothing.

Most of it fits together, so that checks get something to ask; some of it does not, so that they cannot.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

Files = tuple[tuple[str, str], ...]
Draw = Callable[[st.SearchStrategy[Any]], Any]

NAMES = (
    *(
        "t",
        "orders",
        "Order",
        "50% off",
        "%s",
        "%(id)s",
        'it"s',
        "o'clock",
        "select",
        "ünï",
        "a b",
        "a.b",
        "$1",
        "{actor}",
    ),
    *("x" * 63, "1st", "pgcontract_log", "tab\there", "back\\slash", "user", "--", "/*", "$$"),
)
TYPES = {
    "integer": ("1", "2"),
    "bigint": ("1", "5"),
    "smallint": ("3", "4"),
    "text": ("'a'", "'b%'"),
    "uuid": None,
    "varchar(5)": ("'a'", "'abcde'"),
    "boolean": ("true", "false"),
    "numeric(6,2)": ("1", "2.5"),
    "jsonb": ("'{}'", "'[]'"),
    "timestamptz": ("now()", "'2026-01-01'"),
    "date": ("'2026-01-01'", "current_date"),
    "integer[]": ("'{}'", "'{1}'"),
    "inet": ("'::1'", "'10.0.0.1'"),
    "int4range": ("'empty'", "'[1,2)'"),
    "char(3)": ("'abc'", "'a'"),
    "bytea": None,
}
UUID = ("'00000000-0000-4000-8000-000000000001'", "gen_random_uuid()")


def quoted(name: str) -> str:
    """As SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def toml(name: str) -> str:
    """As a TOML key or string has it."""
    return json.dumps(name, ensure_ascii=False)


@dataclass
class Column:
    name: str
    type: str
    null: bool
    default: str | None
    check: str | None = None

    @property
    def values(self) -> tuple[str, ...]:
        return TYPES[self.type] or (UUID if self.type == "uuid" else ("'x'", "'y'"))


@dataclass
class Table:
    name: str
    columns: list[Column] = field(default_factory=list)
    keyed: bool = True
    parts: list[str] = field(default_factory=list)  # lines of the contract

    @property
    def sql(self) -> str:
        return f"public.{quoted(self.name)}"

    @property
    def key(self) -> str:
        """`public."a b"` as a contract names it."""
        return f"public.{quoted(self.name)}"


@st.composite
def projects(draw: Draw, *, small: bool = False) -> Files:
    """The files of a project of one to three migrations; a small one has one, and plain PostgreSQL."""
    tables: list[Table] = []
    declared: list[Table] = []
    files: dict[str, str] = {}
    if not small and draw(st.integers(0, 3)) == 0:
        files["pgcontract.toml"] = '[production]\nplatform = "supabase"\n'
    for number in range(1, draw(st.integers(1, 1 if small else 3)) + 1):
        key = f"{number:03}_m"
        known = len(tables)
        statements = [
            text for _ in range(draw(st.integers(0, 4))) for text in draw(st.sampled_from(STATEMENTS))(draw, tables)
        ]
        files[f"migrations/{key}.sql"] = _script(draw, statements)
        if draw(st.booleans()):
            drops = [f"DROP TABLE {draw(_maybe('IF EXISTS '))}{table.sql} CASCADE;" for table in tables[known:]]
            files[f"migrations/{key}.down.sql"] = "\n".join(drops) or "-- nothing\n"
        if draw(st.integers(0, 3)):
            declared += tables[known:]
            files[f"contracts/{key}/contract.toml"] = _contract(draw, key, tables[known:], declared)
            if draw(st.booleans()):
                files[f"contracts/{key}/claims.toml"] = _claims(draw)
    return tuple(sorted(files.items()))


def _maybe(text: str) -> st.SearchStrategy[str]:
    return st.sampled_from((text, ""))


def _script(draw: Draw, statements: list[str]) -> str:
    kind = draw(st.sampled_from(("plain",) * 6 + ("transaction", "comments", "empty", "twice", "crlf", "unfinished")))
    text = "\n".join(statements)
    match kind:
        case "transaction":
            return f"BEGIN;\n{text}\nCOMMIT;\n"
        case "comments":
            return "-- nothing yet\n/* nor /* here */ */\n"
        case "empty":
            return draw(st.sampled_from(("", "\n", ";", ";;\n", "\ufeff", " \t\n")))
        case "twice":
            return f"BEGIN;\n{text}\nCOMMIT;\nBEGIN;\nSELECT 1;\nEND;\n"
        case "crlf":
            return text.replace("\n", "\r\n")
        case "unfinished":
            return text + draw(
                st.sampled_from(
                    ("\nSELECT 'a", "\nCREATE TABEL x ();", "\nDO $$ BEGIN", "\nSELECT 1)", "\nSELECT 1 / 0;", "\n\\d")
                )
            )
    return text


def _create_table(draw: Draw, tables: list[Table]) -> list[str]:
    name = draw(st.sampled_from(NAMES))
    if any(table.name == name for table in tables):
        return []
    table = Table(name, keyed=draw(st.integers(0, 4)) > 0)
    lines = []
    if table.keyed:
        identity = draw(st.sampled_from(("", " GENERATED ALWAYS AS IDENTITY", " GENERATED BY DEFAULT AS IDENTITY")))
        lines.append(f"id bigint{identity} PRIMARY KEY")
        kind = {"": "", " GENERATED ALWAYS AS IDENTITY": ', identity = "always"'}.get(
            identity, ', identity = "by default"'
        )
        table.parts += ['primary_key = ["id"]', f'columns.id = {{ type = "bigint"{kind} }}']
    for column_name in draw(st.lists(st.sampled_from(NAMES), max_size=4, unique=True)):
        kind = draw(st.sampled_from(sorted(TYPES)))
        column = Column(column_name, kind, null=draw(st.booleans()), default=None)
        if draw(st.integers(0, 2)) == 0:
            column.default = column.values[-1]
        words = [quoted(column_name), kind, "" if column.null else "NOT NULL"]
        words.append(f"DEFAULT {column.default}" if column.default else "")
        if draw(st.integers(0, 3)) == 0:
            column.check = draw(
                st.sampled_from(("{} IS NOT NULL", "{} IN ({})", "length({}::text) <= 5", "{} > {}", "{}::text <> '50%'"))
            ).format(quoted(column_name), column.values[0])
            words.append(f"CHECK ({column.check})")
        words.append(draw(st.sampled_from(("", "", "", "UNIQUE"))))
        lines.append(" ".join(filter(None, words)))
        default = f", default = {toml(column.default)}" if column.default else ""
        null = "" if column.null else ", null = false"
        table.parts.append(f"columns.{toml(quoted(column_name))} = {{ type = {toml(kind)}{null}{default} }}")
        table.columns.append(column)
    if tables and tables[0].keyed and draw(st.booleans()):
        action = draw(st.sampled_from(("", " ON DELETE CASCADE", " ON DELETE SET NULL")))
        lines.append(f"parent bigint{draw(_maybe(' NOT NULL'))} REFERENCES {tables[0].sql}{action}")
    tables.append(table)
    unlogged = draw(st.sampled_from(("", "", "", "UNLOGGED ")))
    return [
        f"CREATE {unlogged}TABLE {draw(_maybe('IF NOT EXISTS '))}{table.sql} (\n    " + ",\n    ".join(lines) + "\n);"
    ]


def _of_table(*templates: str) -> Callable[[Draw, list[Table]], list[str]]:
    """Statements about a table that is there; {t} is its name, {n} a name, {c} a column and {v} a value of it."""

    def statements(draw: Draw, tables: list[Table]) -> list[str]:
        candidates = [table for table in tables if table.columns]
        if not candidates:
            return []
        table = draw(st.sampled_from(candidates))
        column = draw(st.sampled_from(table.columns))
        words = {
            "t": table.sql,
            "n": quoted(draw(st.sampled_from(NAMES))),
            "c": quoted(column.name),
            "v": column.values[-1],
        }
        return [_filled(template, words) for template in templates]

    return statements


def _filled(template: str, words: dict[str, str]) -> str:
    for letter, word in words.items():
        template = template.replace(f"<{letter}>", word)
    return template


_BODY = "LANGUAGE plpgsql AS $f$ BEGIN {} END $f$"
STATEMENTS: tuple[Callable[[Draw, list[Table]], list[str]], ...] = (
    *(_create_table,) * 6,
    _of_table("CREATE INDEX IF NOT EXISTS <n> ON <t> (<c>);"),
    _of_table("CREATE INDEX CONCURRENTLY IF NOT EXISTS <n> ON <t> (<c>);"),
    _of_table("CREATE UNIQUE INDEX <n> ON <t> (<c>) WHERE <c> IS NOT NULL;"),
    _of_table("INSERT INTO <t> (<c>) VALUES (<v>);"),
    _of_table("UPDATE <t> SET <c> = <v>;"),
    _of_table("DELETE FROM <t> WHERE <c> IS NULL;"),
    _of_table("TRUNCATE <t> CASCADE;"),
    _of_table("ALTER TABLE <t> ADD COLUMN IF NOT EXISTS <n> text;"),
    _of_table("ALTER TABLE <t> RENAME COLUMN <c> TO <n>;"),
    _of_table("ALTER TABLE <t> ALTER COLUMN <c> SET NOT NULL;"),
    _of_table("ALTER TABLE <t> ALTER COLUMN <c> TYPE text USING <c>::text;"),
    _of_table("ALTER TABLE <t> DROP COLUMN IF EXISTS <c>;"),
    _of_table("ALTER TABLE <t> ADD CONSTRAINT <n> CHECK (<c> IS NOT NULL) NOT VALID;"),
    _of_table("ALTER TABLE <t> ENABLE ROW LEVEL SECURITY;", "CREATE POLICY <n> ON <t> USING (<c> IS NOT NULL);"),
    _of_table("ALTER TABLE <t> FORCE ROW LEVEL SECURITY;"),
    _of_table("CREATE OR REPLACE VIEW public.<n> AS SELECT <c> FROM <t>;"),
    _of_table("CREATE MATERIALIZED VIEW public.<n> AS SELECT <c> FROM <t>;"),
    _of_table("COMMENT ON TABLE <t> IS '50% of ''it''';", "COMMENT ON COLUMN <t>.<c> IS NULL;"),
    _of_table("GRANT SELECT (<c>) ON <t> TO PUBLIC;"),
    _of_table("CREATE PUBLICATION <n> FOR TABLE <t>;"),
    _of_table("CREATE RULE <n> AS ON DELETE TO <t> DO INSTEAD NOTHING;"),
    _of_table("CREATE TABLE public.<n> () INHERITS (<t>);"),
    _of_table(
        "CREATE OR REPLACE FUNCTION public.keep() RETURNS trigger "
        + _BODY.format("RAISE EXCEPTION 'no: %', TG_OP;")
        + ";",
        "CREATE TRIGGER <n> BEFORE UPDATE OR DELETE OR TRUNCATE ON <t> EXECUTE FUNCTION public.keep();",
    ),
    _of_table(
        "CREATE OR REPLACE FUNCTION public.<n>() RETURNS trigger " + _BODY.format("NEW.<c> := <v>; RETURN NEW;") + ";",
        "CREATE TRIGGER <n> BEFORE INSERT OR UPDATE ON <t> FOR EACH ROW EXECUTE FUNCTION public.<n>();",
    ),
    _of_table("DO $do$ BEGIN EXECUTE 'INSERT INTO <t> DEFAULT VALUES'; EXCEPTION WHEN others THEN NULL; END $do$;"),
    lambda draw, tables: [f"CREATE TYPE public.{quoted(draw(st.sampled_from(NAMES)))} AS ENUM ('a', '50%', 'it''s');"],
    lambda draw, tables: [f"CREATE DOMAIN public.{quoted(draw(st.sampled_from(NAMES)))} AS text CHECK (VALUE <> '%');"],
    lambda draw, tables: [f"CREATE SEQUENCE IF NOT EXISTS public.{quoted(draw(st.sampled_from(NAMES)))};"],
    lambda draw, tables: [f"CREATE SCHEMA IF NOT EXISTS {quoted(draw(st.sampled_from(NAMES)))};"],
    lambda draw, tables: [f"CREATE ROLE {quoted(draw(st.sampled_from(NAMES)))};"],
    lambda draw, tables: ["SELECT extensions.uuid_generate_v4();"],
    lambda draw, tables: ["CREATE EXTENSION IF NOT EXISTS pg_trgm;"],
    lambda draw, tables: ["SET search_path = '';"],
    lambda draw, tables: ["SAVEPOINT a; ROLLBACK TO a;"],
    _of_table("ALTER TABLE <t> RENAME TO <n>;"),
    _of_table("DROP TABLE IF EXISTS public.<n> CASCADE;"),
    _of_table("CREATE TABLE IF NOT EXISTS public.<n> (LIKE <t> INCLUDING ALL);"),
    _of_table("CREATE TABLE public.<n> AS SELECT <c> FROM <t>;"),
    _of_table("ALTER TABLE <t> ADD COLUMN <n> text GENERATED ALWAYS AS (<c>::text || '%') STORED;"),
    _of_table("ALTER TABLE <t> ADD CONSTRAINT <n> UNIQUE (<c>);", "ALTER TABLE <t> DROP CONSTRAINT <n>;"),
    _of_table("ALTER TABLE <t> ALTER COLUMN <c> SET DEFAULT <v>;"),
    _of_table("ALTER TABLE <t> REPLICA IDENTITY NOTHING;"),
    _of_table("ALTER TABLE <t> SET (fillfactor = 50);"),
    _of_table("CREATE STATISTICS public.<n> ON <c>, ctid FROM <t>;"),
    _of_table("LOCK TABLE <t> IN ACCESS EXCLUSIVE MODE;"),
    _of_table("COPY <t> (<c>) TO PROGRAM 'true';"),
    _of_table(
        "CREATE TABLE public.<n> (k integer, at timestamptz NOT NULL DEFAULT now()) PARTITION BY LIST (k);",
        "CREATE TABLE public.part PARTITION OF public.<n> FOR VALUES IN (1, 2);",
    ),
)


def _contract(draw: Draw, key: str, own: list[Table], declared: list[Table]) -> str:
    lines = [f'migration = "{key}.sql"', 'comments = "optional"']
    for table in own:
        lines += ["", f"[table.{toml(table.key)}]", *table.parts]
        if table.columns and draw(st.booleans()):
            lines.append(f"sample = {{ {toml(quoted(table.columns[0].name))} = {draw(st.sampled_from(_VALUES))} }}")
    written = [table for table in declared if table.columns]
    if written:
        lines += ["", "[dataset]", "sizes = [10, 100]"]
        for section in draw(st.lists(st.sampled_from(SECTIONS), max_size=3, unique=True)):
            table = draw(st.sampled_from(written))
            column = draw(st.sampled_from(table.columns))
            words = {
                "t": toml(table.key),
                "c": toml(f"{table.key}.{quoted(column.name)}"),
                "insert": toml(f"INSERT INTO {table.sql} ({quoted(column.name)}) VALUES ".replace("%", "%%") + "(%(v)s)"),
                "select": toml(f"SELECT * FROM {table.sql} WHERE {quoted(column.name)} = ".replace("%", "%%") + "%(v)s"),
                "count": toml(f"SELECT FROM {table.sql} HAVING count(*) > 9"),
                "v": draw(st.sampled_from(_VALUES)),
                "role": toml(draw(st.sampled_from(("anon", "authenticated", "nobody", "50% off")))),
            }
            lines += ["", _filled(section, words)]
    return "\n".join(lines) + "\n"


_VALUES = (
    "1",
    '"a"',
    '"50%"',
    '"{actor}"',
    '"00000000-0000-4000-8000-00000000000{actor}"',
    "true",
    "{ a = 1 }",
    "[1]",
    '"it\'s"',
)
SECTIONS = (
    '[flow.f]\ntable = <t>\nvalues = { v = <v> }\n[[flow.f.step]]\nname = "add"\nsql = <insert>\nevents = 1\n'
    '[flow.f.invariant.few]\ndescription = "few"\nviolations = <count>',
    '[flow.g]\ntable = <t>\nvalues = { v = <v> }\n[[flow.g.step]]\nname = "add"\nas = <role>\n'
    'claims = { sub = "%(v)s" }\nsql = <insert>',
    "[query.q]\nsql = <select>\nparameters.v = { column = <c>, miss_ratio = 0.1 }",
    '[query.r]\nsql = <select>\nparameters.v = { column = <c>, pick = "values" }\ngrowth = "O(n)"',
    '[race.r]\ntable = <t>\ndescription = "few"\nviolations = <count>\n[[race.r.step]]\nsql = "SELECT 1"',
    '[format.f]\ncolumn = <c>\nstandard = "not_blank"',
    '[format.g]\ncolumn = <c>\nstandard = "one_of"\nvalues = ["a", "50%"]',
    '[state_machine.s]\ncolumn = <c>\ninitial = ["a"]\ntransitions = { a = ["50%"] }',
    '[timestamp.u]\ncolumn = <c>\nset_on = ["insert", "update"]',
    '[presence.p]\ncolumn = <c>\npresent_when = "true"',
    '[[verification]]\nid = "V1"\ndescription = "rows"\nsql = "SELECT 1; SELECT \'50%\'"\nexpect = [["50%"]]',
    '[[verification]]\nid = "V2"\ndescription = "as"\nas = <role>\nsql = <count>\nrow_count = 0',
    '[existing_rows.e]\nsql = "SELECT 1"',
    '[[waiver]]\ncheck = "script.applies"\nsubject = "script"\nreason = "50%"\nowner = "ann"\nuntil = 2027-01-01',
)


def _claims(draw: Draw) -> str:
    checks = draw(st.lists(st.sampled_from(CLAIMED), min_size=1, max_size=3, unique=True))
    return f'[[claim]]\nid = "C1"\ndescription = "50% of it"\nchecks = {json.dumps(checks)}\n'


CLAIMED = (
    *(
        "script.rerun[script]",
        "script.atomic[script]",
        "acid.durability[cluster]",
        "acid.atomicity[*]",
        "rollback.restores[script]",
    ),
    *("column.type[*]", "table.present[public.t]", "flow.steps[f.add]", "format.rejects_invalid[f]", "access.grants[*]"),
)
