"""Where a fresh PostgreSQL server comes from: one word names a source, and every source keeps one Protocol.

A source is one module of this package that has `USAGE`, the spec it answers to as `--pg` prints it, and
`claim(spec)`, which returns its Provider, or None where the spec is another's. Nothing else lists them.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from types import ModuleType

from pgcontract.errors import InputError
from pgcontract.postgres.providers.production import Fitting, Production
from pgcontract.postgres.providers.server import NO_SETTINGS, Prepared, Probe, Provider, Server
from pgcontract.postgres.providers.signals import terminate_on_signals

__all__ = [
    "NO_SETTINGS",
    "Prepared",
    "Probe",
    "Production",
    "Provider",
    "Server",
    "known_specs",
    "provider_for",
    "shown",
    "terminate_on_signals",
]


def provider_for(spec: str, *, production: Production | None = None) -> Provider:
    """The provider that `--pg SPEC` names; nothing is started and no binary is run.

    A source that can be had like `production` gives that where the spec leaves it the choice.
    Raises InputError for a spec that no source claims, with those there are and the nearest word.
    """
    for source in _sources():
        provider: Provider | None = source.claim(spec)
        if provider is not None:
            return provider.fitted_to(production) if production and isinstance(provider, Fitting) else provider
    known = ", ".join(known_specs())
    word = spec.partition(":")[0]
    if "://" in spec or "=" in spec:  # it may hold a password, and is not repeated
        raise InputError(f"a server with an address is --pg dsn:URL; known are {known}")
    nearest = difflib.get_close_matches(word, [usage.partition("[")[0] for usage in known_specs()], n=1)
    hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
    raise InputError(f"unknown server {spec!r}: known are {known}{hint}")


def shown(spec: str) -> str:
    """The spec as it may be printed and kept: without what an address may hold besides where it leads."""
    if not spec.startswith("dsn:"):
        return spec
    from pgcontract.postgres.providers import dsn  # not at the top: the command's help needs no driver

    return dsn.shown(spec)


def known_specs() -> tuple[str, ...]:
    """Every spec that `provider_for` answers to, in alphabetical order, as `--help` prints it."""
    return tuple(source.USAGE for source in _sources())


def _sources() -> list[ModuleType]:
    modules = (
        importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__) if not found.ispkg
    )
    return [module for module in modules if hasattr(module, "USAGE")]
