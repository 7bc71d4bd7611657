"""What a migration is called in a Run."""

from __future__ import annotations

from pgcontract.values import dataclass


@dataclass(frozen=True, kw_only=True)
class MigrationName:
    """`key` is what findings call it by, `display_name` what people do: 020."""

    key: str
    display_name: str
