"""Chains of migrations made at random from a seed: what ORMs and people write, on tables that the chain has made."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

NAMES = ("account", "orderItem", "Order", "note", "user", "events", "a b", "größe", "Tag", "log_2024", 'q"t', "line")
COLUMNS = ("email", "createdAt", "state", "total", "user_id", "tags", "Data", "is active", "n", "ref", "größe", "end")
TYPES = {
    "integer": ("0", "(1 + 2)", "-1"),
    "bigint": ("42",),
    "smallint": ("'7'",),
    "text": ("''", "'it''s'", "lower('X')", "current_user"),
    "varchar(20)": ("'new'", "'a'::text"),
    "char(3)": ("'eur'",),
    "numeric(10, 2)": ("0.5", "'1'"),
    "double precision": ("'NaN'",),
    "boolean": ("false", "(NOT true)"),
    "uuid": ("gen_random_uuid()",),
    "timestamptz": ("now()", "CURRENT_TIMESTAMP(3)", "'epoch'", "now() + '1 day'::interval"),
    "timestamp(3)": ("CURRENT_TIMESTAMP", "LOCALTIMESTAMP"),
    "date": ("CURRENT_DATE", "'2024-01-01'"),
    "interval": ("'1 hour'",),
    "jsonb": ("'{}'", "jsonb_build_object('a', 1)"),
    "text[]": ("'{}'", "ARRAY[]::text[]", "ARRAY['a', 'b']"),
    "integer[]": ("'{1,2}'",),
    "bytea": ("'\\x00'",),
    "inet": ("'::1'",),
    "int4range": ("'[1,5)'",),
    "tsvector": (),
    "bit(3)": ("B'101'",),
}
NUMBERS = ("integer", "bigint", "smallint", "numeric(10, 2)", "double precision")
STRINGS = ("text", "varchar(20)")
CHECKS = {
    "number": (
        "{c} > 0", "{c} BETWEEN 1 AND 10", "{c} IN (1, 2, 3)", "{c} NOT IN (4) OR {c} IS NULL",
        "abs({c}) < 5 AND {c} <> 0",
    ),
    "string": (
        "{c} IN ('new', 'open', 'it''s')", "{c} <> ''", "length(trim({c})) > 2", "{c} LIKE 'a%' OR {c} ~* '^b\\d+$'",
        "{c} = ANY (ARRAY['x', 'y'])", "{c} SIMILAR TO '[a-z]+'", "CASE WHEN {c} = 'a' THEN true ELSE {c} > 'b' END",
        "coalesce({c}, '') NOT LIKE '%\\_%'",
    ),
    "any": ("{c} IS NOT NULL", "num_nonnulls({c}) = 1", "{c} IS DISTINCT FROM NULL"),
}  # fmt: skip
COMMENTS = ("What it is", 'It\'s "quoted"\\n', "größer", "100 %s {x}")


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@dataclass
class Table:
    """One that is there: its columns with their types, and what hangs on it, by name."""

    name: str
    columns: dict[str, str] = field(default_factory=dict)
    key: str = ""
    fixed: set[str] = field(default_factory=set)  # columns that something else rests on
    checks: list[str] = field(default_factory=list)
    indexes: list[str] = field(default_factory=list)
    policies: list[str] = field(default_factory=list)
    triggers: list[str] = field(default_factory=list)


class Chain:
    """The scripts of one seed, one after another; `scripts` are as many as it pleased."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.tables: list[Table] = []
        self.enums: dict[str, list[str]] = {}
        self.views: list[str] = []
        self.numbers = 0
        self.scripts = tuple(self._script(first=number == 0) for number in range(self.random.randint(1, 4)))

    def _script(self, *, first: bool) -> str:
        steps = [self._enum, self._domain, self._table] if first else []
        changes = (
            self._table, self._table, self._partitioned, self._enum, self._view, self._function, self._rows, self._grant,
            self._comment, self._comment, self._index, self._index, self._check, self._foreign_key, self._policy,
            self._trigger, self._exclusion, self._sequence, self._unique,
        )  # fmt: skip
        later = (
            self._add_column, self._drop_column, self._rename_column, self._rename_table, self._column_type,
            self._default, self._drop_check, self._drop_index, self._drop_view, self._label, self._rename_label,
            self._not_null, self._drop_table, self._rename_index, self._drop_policy, self._uncomment,
        )  # fmt: skip
        steps += self.random.choices(changes if first else (*changes, *later, *later), k=self.random.randint(3, 10))
        lines = [line for step in steps for line in step() if line]
        text = "".join(f"{line};\n" for line in lines)
        return f"BEGIN;\n{text}COMMIT;\n" if self.random.random() < 0.2 else text

    # Words

    def _one(self, *words: str) -> str:
        return self.random.choice(words)

    def _fresh(self, word: str) -> str:
        self.numbers += 1
        return f"{word}{self.numbers}"

    def _any_table(self) -> Table | None:
        return self.random.choice(self.tables) if self.tables else None

    def _columns_of(self, table: Table, *types: str) -> list[str]:
        return [name for name, kind in table.columns.items() if not types or kind in types]

    def _condition(self, table: Table) -> str | None:
        column = self.random.choice(list(table.columns))
        kind = table.columns[column]
        words = "number" if kind in NUMBERS else "string" if kind in STRINGS else "any"
        return self._one(*CHECKS[words]).replace("{c}", quoted(column))

    # What is made

    def _enum(self) -> list[str]:
        name = self._fresh(self._one("Role", "mood", "order state"))
        self.enums[name] = ["a", "B b", "it's"][: self.random.randint(1, 3)]
        labels = ", ".join("'" + label.replace("'", "''") + "'" for label in self.enums[name])
        return [f"CREATE TYPE {quoted(name)} AS ENUM ({labels})"]

    def _domain(self) -> list[str]:
        name = self._fresh("dom")
        return [f"CREATE DOMAIN {name} AS varchar(30) CHECK ({self._one(*CHECKS['string']).replace('{c}', 'VALUE')})"]

    def _column(self, name: str) -> tuple[str, str]:
        """A column and its type."""
        if self.enums and self.random.random() < 0.15:
            enum = self.random.choice(list(self.enums))
            label = self.enums[enum][0].replace("'", "''")
            return f"{quoted(name)} {quoted(enum)}" + self._one("", f" NOT NULL DEFAULT '{label}'"), quoted(enum)
        kind = self.random.choice(list(TYPES))
        default = f" DEFAULT {self._one(*TYPES[kind])}" if TYPES[kind] and self.random.random() < 0.5 else ""
        collation = ' COLLATE "C"' if kind == "text" and self.random.random() < 0.2 else ""
        return f"{quoted(name)} {kind}{collation}{default}" + self._one("", "", " NOT NULL" if default else ""), kind

    def _table(self, tail: str = "") -> list[str]:
        table = Table(name=self._fresh(self._one(*NAMES)))
        table.key = "id"
        key = self._one(
            "bigint GENERATED ALWAYS AS IDENTITY", "integer GENERATED BY DEFAULT AS IDENTITY (START WITH 5)", "serial",
            "bigserial", "uuid DEFAULT gen_random_uuid()", "text",
        )  # fmt: skip
        kind = {"serial": "integer", "bigserial": "bigint"}.get(key, key.partition(" ")[0])
        columns = [f'"id" {key} PRIMARY KEY']
        table.columns["id"] = kind
        table.fixed.add("id")
        for name in self.random.sample(COLUMNS, self.random.randint(1, 6)):
            column, table.columns[name] = self._column(name)
            columns.append(column)
        if (numbers := self._columns_of(table, "integer", "bigint")) and self.random.random() < 0.2:
            columns.append(f'"double" bigint GENERATED ALWAYS AS ({quoted(numbers[-1])} * 2) STORED')
            table.fixed.update((numbers[-1], "double"))
            table.columns["double"] = "generated"
        if self.random.random() < 0.4:
            columns.append(f"CHECK ({self._condition(table)})")
        self.tables.append(table)
        return [
            f"CREATE TABLE {quoted(table.name)} ({', '.join(columns)}){tail}{self._one('', ' WITH (fillfactor = 80)')}"
        ]

    def _partitioned(self) -> list[str]:
        name, column = quoted(self._fresh("parts")), quoted(self._one(*COLUMNS))
        how = self._one("RANGE", "LIST", "HASH")
        bounds = {
            "RANGE": ("FROM (MINVALUE) TO (10)", "FROM (10) TO (20)"),
            "LIST": ("IN (1, 2)", "IN (3)"),
            "HASH": ("WITH (MODULUS 2, REMAINDER 0)", "WITH (MODULUS 2, REMAINDER 1)"),
        }[how]
        lines = [
            f"CREATE TABLE {name} ({column} integer NOT NULL CHECK ({column} > -9), b text) PARTITION BY {how} ({column})"
        ]
        lines += [f"CREATE TABLE {self._fresh('part')} PARTITION OF {name} FOR VALUES {bound}" for bound in bounds]
        return [*lines, f"CREATE INDEX ON {name} ({column}, lower(b)) WHERE b <> ''"]

    def _view(self) -> list[str]:
        if not (table := self._any_table()):
            return []
        view = self._fresh("view")
        self.views.append(view)
        table.fixed.update(table.columns)
        columns = ", ".join(f"t.{quoted(name)}" for name in table.columns)
        where = f"WHERE {self._condition(table)}"
        word = self._one("VIEW", "MATERIALIZED VIEW")
        self.views[-1] = f"{word} {view}"
        return [f"CREATE {word} {view} AS SELECT {columns}, 'x' || 1 AS extra FROM {quoted(table.name)} t {where}"]

    def _function(self) -> list[str]:
        body = self._one("SELECT a + 1", "SELECT CASE a WHEN 1 THEN 2 END")
        kind = self._one("IMMUTABLE", "STABLE STRICT", "VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp")
        return [f"CREATE FUNCTION {self._fresh('f')}(a int DEFAULT 1) RETURNS int LANGUAGE sql {kind} AS $$ {body} $$"]

    def _rows(self) -> list[str]:
        table = self._any_table()
        if not table or table.columns["id"] == "text" or table.checks:
            return []
        return [f"INSERT INTO {quoted(table.name)} SELECT FROM generate_series(1, 0)"]

    def _grant(self) -> list[str]:
        table = self._any_table()
        return [f"GRANT {self._one('SELECT', 'SELECT, INSERT')} ON {quoted(table.name)} TO PUBLIC"] if table else []

    def _comment(self) -> list[str]:
        if not (table := self._any_table()):
            return []
        column = self.random.choice(list(table.columns))
        what = self._one(f"TABLE {quoted(table.name)}", f"COLUMN {quoted(table.name)}.{quoted(column)}")
        return [f"COMMENT ON {what} IS E'{self._one(*COMMENTS).replace(chr(39), chr(39) * 2)}'"]

    def _index(self) -> list[str]:
        if not (table := self._any_table()):
            return []
        column = self.random.choice(list(table.columns))
        kind, name = table.columns[column], self._fresh("Idx" if self.random.random() < 0.5 else "ix_")
        table.indexes.append(name)
        table.fixed.add(column)
        key = quoted(column) + self._one("", " DESC", " DESC NULLS LAST", " NULLS FIRST")
        if kind in STRINGS:
            key = self._one(
                key, f"lower({quoted(column)})", f"{quoted(column)} text_pattern_ops" if kind == "text" else key
            )
        method = ""
        if kind in ("jsonb", "tsvector", "text[]", "integer[]"):
            method, key = " USING gin", quoted(column)
        where = f" WHERE {self._condition(table)}" if self.random.random() < 0.4 else ""
        table.fixed.update(table.columns if where else ())
        return [f"CREATE INDEX {quoted(name)} ON {quoted(table.name)}{method} ({key}){where}"]

    def _unique(self) -> list[str]:
        table = self._any_table()
        if not table:
            return []
        column = self.random.choice(list(table.columns))
        how = self._one("", " NULLS NOT DISTINCT", "")
        table.fixed.add(column)
        return [f"ALTER TABLE {quoted(table.name)} ADD UNIQUE{how} ({quoted(column)}) {self._one('', 'DEFERRABLE')}"]

    def _exclusion(self) -> list[str]:
        if not (table := self._any_table()):
            return []
        ranges = [name for name in self._columns_of(table, "int4range") if name not in table.fixed]
        table.fixed.update(ranges)
        return (
            [f"ALTER TABLE {quoted(table.name)} ADD EXCLUDE USING gist ({quoted(ranges[0])} WITH &&)"] if ranges else []
        )

    def _check(self) -> list[str]:
        if not (table := self._any_table()):
            return []
        name = self._fresh("chk")
        table.checks.append(name)
        tail = self._one("", " NOT VALID", " NO INHERIT")
        return [f"ALTER TABLE {quoted(table.name)} ADD CONSTRAINT {name} CHECK ({self._condition(table)}){tail}"]

    def _foreign_key(self) -> list[str]:
        if len(self.tables) < 2:
            return []
        table, other = self.random.sample(self.tables, 2)
        column, tail = (
            self._fresh("ref"),
            self._one("", " ON DELETE CASCADE", " ON DELETE SET NULL ON UPDATE CASCADE", " DEFERRABLE"),
        )
        kind = other.columns["id"]
        table.columns[column] = kind
        table.fixed.add(column)
        reference = f"REFERENCES {quoted(other.name)} (id){tail}"
        return [f"ALTER TABLE {quoted(table.name)} ADD COLUMN {column} {kind} {reference}"]

    def _policy(self) -> list[str]:
        if not (table := self._any_table()):
            return []
        name = self._fresh("May read ")
        table.policies.append(name)
        table.fixed.update(table.columns)
        enable = f"ALTER TABLE {quoted(table.name)} ENABLE ROW LEVEL SECURITY"
        what = self._one("FOR SELECT", "FOR UPDATE", "FOR ALL", "AS RESTRICTIVE FOR DELETE")
        return [enable, f"CREATE POLICY {quoted(name)} ON {quoted(table.name)} {what} USING ({self._condition(table)})"]

    def _trigger(self) -> list[str]:
        if not (table := self._any_table()):
            return []
        function, name = self._fresh("touch"), self._fresh("Trg")
        table.triggers.append(name)
        events = self._one("BEFORE INSERT OR UPDATE", "AFTER UPDATE OF id", "AFTER DELETE")
        return [
            f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
            f"CREATE TRIGGER {quoted(name)} {events} ON {quoted(table.name)} FOR EACH {self._one('ROW', 'STATEMENT')} "
            f"EXECUTE FUNCTION {function}({self._one('', chr(39) + 'x' + chr(39))})",
        ]

    def _sequence(self) -> list[str]:
        return [f"CREATE SEQUENCE {self._fresh('seq')} {self._one('', 'AS integer', 'INCREMENT BY -2', 'START 5 CYCLE')}"]

    # What is changed

    def _free_column(self, table: Table | None) -> str | None:
        free = [name for name in table.columns if name not in table.fixed] if table and not table.checks else []
        return self.random.choice(free) if free else None

    def _add_column(self) -> list[str]:
        if not (table := self._any_table()):
            return []
        name = self._fresh("New ")
        column, table.columns[name] = self._column(name)
        return [f"ALTER TABLE {quoted(table.name)} ADD COLUMN {column}"]

    def _drop_column(self) -> list[str]:
        table = self._any_table()
        if not (column := self._free_column(table)) or table is None:
            return []
        del table.columns[column]
        return [f"ALTER TABLE {quoted(table.name)} DROP COLUMN {quoted(column)}"]

    def _rename_column(self) -> list[str]:
        if not (table := self._any_table()):
            return []
        column = self.random.choice([name for name in table.columns if name != "id"] or ["id"])
        if column == "id":
            return []
        new = self._fresh("Re named")
        table.columns = {new if name == column else name: kind for name, kind in table.columns.items()}
        table.fixed = {new if name == column else name for name in table.fixed}
        return [f"ALTER TABLE {quoted(table.name)} RENAME {self._one('', 'COLUMN ')}{quoted(column)} TO {quoted(new)}"]

    def _rename_table(self) -> list[str]:
        if not (table := self._any_table()):
            return []
        old, table.name = table.name, self._fresh("Re named")
        return [f"ALTER TABLE {quoted(old)} RENAME TO {quoted(table.name)}"]

    def _rename_index(self) -> list[str]:
        table = self._any_table()
        if not table or not table.indexes:
            return []
        old, table.indexes[0] = table.indexes[0], self._fresh("Ind")
        return [f"ALTER INDEX {quoted(old)} RENAME TO {quoted(table.indexes[0])}"]

    def _rename_label(self) -> list[str]:
        if not self.enums:
            return []
        name = self.random.choice(list(self.enums))
        old, self.enums[name][0] = self.enums[name][0], self._fresh("lab")
        return [
            f"ALTER TYPE {quoted(name)} RENAME VALUE '{old.replace(chr(39), chr(39) * 2)}' TO '{self.enums[name][0]}'"
        ]

    def _label(self) -> list[str]:
        if not self.enums:
            return []
        name = self.random.choice(list(self.enums))
        self.enums[name].append(self._fresh("more"))
        return [f"ALTER TYPE {quoted(name)} ADD VALUE '{self.enums[name][-1]}'"]

    def _column_type(self) -> list[str]:
        table = self._any_table()
        if not (column := self._free_column(table)) or table is None or table.columns[column] != "varchar(20)":
            return []
        table.columns[column] = "text"
        return [f"ALTER TABLE {quoted(table.name)} ALTER COLUMN {quoted(column)} TYPE text"]

    def _default(self) -> list[str]:
        table = self._any_table()
        if not table or not (column := self._one(*table.columns)) or not TYPES.get(table.columns[column]):
            return []
        new = self._one("DROP DEFAULT", f"SET DEFAULT {self._one(*TYPES[table.columns[column]])}")
        return [f"ALTER TABLE {quoted(table.name)} ALTER {quoted(column)} {new}"] if column != "id" else []

    def _not_null(self) -> list[str]:
        table = self._any_table()
        if not table or not (column := self._one(*table.columns)) or column == "id":
            return []
        return [f"ALTER TABLE {quoted(table.name)} ALTER {quoted(column)} {self._one('SET', 'DROP')} NOT NULL"]

    def _drop_check(self) -> list[str]:
        table = self._any_table()
        return (
            [f"ALTER TABLE {quoted(table.name)} DROP CONSTRAINT {table.checks.pop()}"] if table and table.checks else []
        )

    def _drop_index(self) -> list[str]:
        table = self._any_table()
        return [f"DROP INDEX {quoted(table.indexes.pop())}"] if table and table.indexes else []

    def _drop_view(self) -> list[str]:
        return [f"DROP {self.views.pop()}"] if self.views else []

    def _drop_policy(self) -> list[str]:
        table = self._any_table()
        if not table or not table.policies:
            return []
        return [f"DROP POLICY {quoted(table.policies.pop())} ON {quoted(table.name)}"]

    def _drop_table(self) -> list[str]:
        if len(self.tables) < 2:
            return []
        table = self.tables.pop(self.random.randrange(len(self.tables)))
        self.views.clear()
        return [f"DROP TABLE {quoted(table.name)} CASCADE"]

    def _uncomment(self) -> list[str]:
        table = self._any_table()
        return [f"COMMENT ON TABLE {quoted(table.name)} IS NULL"] if table else []
