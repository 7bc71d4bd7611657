"""What production runs, as far as a source of servers may choose by it."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from pgcontract.postgres.providers.server import Provider
from pgcontract.values import dataclass


@dataclass(frozen=True, kw_only=True)
class Production:
    """`platform` as pgcontract.toml names it; `postgres` is its major, if it is said."""

    platform: str = "postgres"
    postgres: int | None = None


UNKNOWN_PRODUCTION = Production()


@runtime_checkable
class ProductionAware(Protocol):
    """A provider that may choose its server by what production runs."""

    def for_production(self, production: Production) -> Provider:
        """The same provider for a project whose production is known."""
        ...
