"""What the migrations of a chain make by their texts: who makes what another lacks, or what it is a slip of. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from functools import cached_property
from typing import Final

from pgcontract.contract import Migration
from pgcontract.model.identifiers import quote_identifier
from pgcontract.runner.effects import Effects, read_effects
from pgcontract.runner.missing import Missing

_TYPO_CUTOFF: Final = 0.85


class ChainEffects:
    """The texts' effects; `extensions` are those that are there before the chain."""

    def __init__(self, chain: Sequence[Migration], extensions: Collection[str]) -> None:
        self._chain = chain
        self._extensions = extensions

    @cached_property
    def by_key(self) -> Mapping[str, Effects]:
        """What each migration's text would do."""
        return {link.key: read_effects(link.up.text) for link in self._chain}

    @cached_property
    def _schemas(self) -> frozenset[str]:
        """The schemas that the chain makes."""
        return frozenset(name for effects in self.by_key.values() for kind, name in effects.made if kind == "schema")

    def makes(self, key: str, missing: Missing) -> bool:
        """Whether that migration makes something of that kind and name."""
        return any(self.by_key[key].makes(missing.effect_kind, name) for name in missing.readings)

    def makers(self, missing: Missing) -> list[str]:
        """The keys of the migrations that make something of that kind and name, as far as they say in which schema."""
        keys = [link.key for link in self._chain if self.makes(link.key, missing)]
        if missing.schema in ("", "public") or missing.schema in self._schemas:
            return keys
        return [key for key in keys if (missing.schema, missing.bare) in self.by_key[key].made_in]

    def has_extension(self, extension: str) -> bool:
        """Whether the platform has it, or some migration makes it: what is not found of it is named wrongly."""
        return extension in self._extensions or any(
            effects.makes("extension", extension) for effects in self.by_key.values()
        )

    def schemas_of(self, missing: Missing) -> list[str]:
        """The names with a schema under which the chain makes what was looked for without one."""
        made = {pair for effects in self.by_key.values() for pair in effects.made_in} if not missing.schema else set()
        return sorted(
            f"{quote_identifier(schema)}.{quote_identifier(name)}"
            for schema, name in made
            if name == missing.bare and schema != "public"
        )

    def near(self, missing: Missing) -> str | None:
        """A name of the same kind that it may be a slip of: what some migration makes, as SQL writes it."""
        known = {name for effects in self.by_key.values() for kind, name in effects.made if kind == missing.effect_kind}
        close = [name for name in sorted(known) if _is_slip(missing.bare, name)]
        close += get_close_matches(missing.bare, sorted(known), n=1, cutoff=_TYPO_CUTOFF)
        return quote_identifier(close[0]) if close else None


def _is_slip(name: str, other: str) -> bool:
    """Whether one is the other with two letters exchanged, or in other capitals."""
    if name.casefold() == other.casefold():
        return True
    different = [number for number, (one, two) in enumerate(zip(name, other, strict=False)) if one != two]
    return (
        len(name) == len(other)
        and len(different) == 2
        and different[1] == different[0] + 1
        and name[different[0]] == other[different[1]]
        and name[different[1]] == other[different[0]]
    )
