"""What a refusal says is not there, read from the server's words. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from pgcontract.patterns import lazy_pattern
from pgcontract.postgres.extension_functions import EXTENSION_OF
from pgcontract.postgres.script_execution import Refusal
from pgcontract.runner.effects import RELATION, kind_of
from pgcontract.values import dataclass

_PATTERNS: Final = (
    lazy_pattern(r'(?P<kind>column) "(?P<name>.+)" of relation "(?P<of>.+)" does not exist'),
    lazy_pattern(
        r'(?P<kind>constraint|trigger|policy|rule) "(?P<name>.+)" (?:of|for) (?:relation|table|domain) "(?P<of>.+)" '
        "does not exist"
    ),
    lazy_pattern(
        r'(?P<kind>column) "(?P<name>[^"]+)" (?:referenced in foreign key constraint |named in (?:partition )?key '
        r"|specified in USING clause )?does not exist(?: in (?:left|right) table)?"
    ),
    lazy_pattern(r"(?P<kind>column) (?P<of>[^\s\".]+)\.(?P<name>\S+) does not exist"),
    lazy_pattern(r"(?P<kind>function|procedure|aggregate|routine) (?P<name>[^()]+)\(.*\) does not exist"),
    lazy_pattern(r'could not find an? (?P<kind>function|procedure|aggregate) named "(?P<name>.+)"'),
    lazy_pattern(r'invalid input value for (?P<kind>enum) (?P<of>.+): "(?P<name>.*)"', re.DOTALL),
    lazy_pattern(r'"(?P<name>.*)" is not an existing (?P<kind>enum) label', re.DOTALL),
    lazy_pattern(
        r'(?P<kind>[a-z][a-z -]*) "(?P<name>.+?)"(?: for (?:encoding|access method) "[^"]*")? does not exist'
        r'(?: for access method ".*")?'
    ),
)
_EXTENSION_TYPES: Final = {
    "citext": "citext",
    "cube": "cube",
    "geography": "postgis",
    "geometry": "postgis",
    "halfvec": "vector",
    "hstore": "hstore",
    "ltree": "ltree",
    "seg": "seg",
    "vector": "vector",
}
_EXTENSION_OPERATOR_CLASSES: Final = {
    "gin_trgm_ops": "pg_trgm",
    "gist_trgm_ops": "pg_trgm",
    "vector_cosine_ops": "vector",
    "vector_ip_ops": "vector",
    "vector_l2_ops": "vector",
}


@dataclass(frozen=True, kw_only=True)
class Missing:
    """What is not there, its kind in the server's word; `of` is the table, or its alias, that it is looked for in."""

    kind: str
    name: str
    of: str = ""

    @property
    def effect_kind(self) -> str:
        """Its kind among what statements make."""
        return "label" if self.kind == "enum" else kind_of(self.kind) if self.kind != "relation" else RELATION

    @property
    def bare(self) -> str:
        return self.name if self.kind in ("enum", "column") else self.name.rpartition(".")[2]

    @property
    def readings(self) -> tuple[str, ...]:
        """The bare names that it may have: the server's words do not tell a dot in a name from one behind a schema."""
        return tuple(dict.fromkeys((self.bare, self.name)))

    @property
    def schema(self) -> str:
        return self.name.rpartition(".")[0] if self.kind not in ("enum", "column") else ""

    @property
    def extension(self) -> str | None:
        """The extension that it is known to be of."""
        known: Mapping[str, Mapping[str, str]] = {
            "type": _EXTENSION_TYPES,
            "function": EXTENSION_OF,
            "operator class": _EXTENSION_OPERATOR_CLASSES,
        }
        return known.get(self.kind, {}).get(self.bare.removesuffix("[]"))

    @property
    def example(self) -> str:
        """What makes it, as a statement or in words."""
        match self.kind:
            case "schema":
                return f'CREATE SCHEMA "{self.name}";'
            case "role":
                return f'CREATE ROLE "{self.name}";'
            case _:
                return f"its CREATE TABLE {self.name} (…);"

    def __str__(self) -> str:
        kind = "table" if self.effect_kind == RELATION else "label" if self.kind == "enum" else self.kind
        return f"{kind} {self.name}" + (f" of {self.of}" if self.of else "")


def read_missing(refusal: Refusal) -> Missing | None:
    """What is missing, where the refusal says so."""
    for pattern in _PATTERNS:
        if match := pattern.fullmatch(refusal.message):
            words = match.groupdict()
            return Missing(kind=words["kind"], name=words["name"], of=words.get("of") or "")
    return None
