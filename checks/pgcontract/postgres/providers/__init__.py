"""Where a fresh PostgreSQL server comes from: `--pg` names a provider, and every provider has one Protocol.

A source is one module of this package that has `USAGE`, the spec it answers to as `--pg` prints it, and
`parse_spec(spec)`, which returns its Provider, or None where the spec is another's; a plug-in's is one as well, asked
behind these. `redact_spec(spec)` gives the spec as it may be shown, where it may hold a secret. Nothing else lists them.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import re
from collections.abc import Iterator
from types import ModuleType

from pgcontract.errors import InputError
from pgcontract.plugins import NameTaken, Plugin, as_loaded, load, plugins_of
from pgcontract.postgres.providers.production import Production, ProductionAware
from pgcontract.postgres.providers.server import NO_SETTINGS, PreparedState, Probe, Provider, Server
from pgcontract.postgres.providers.signals import terminate_on_signals


def provider_for(spec: str, *, production: Production | None = None, run_as: str | None = None) -> Provider:
    """The provider that `--pg SPEC` names; nothing is started and no binary is run.

    A source that can be had like `production` gives that where the spec leaves it the choice. `run_as` is the login of
    migrations on a server that the owner names.
    Raises InputError for a spec that no source knows, listing the known ones and the nearest, and for a `run_as` where
    a run makes its own.
    """
    if run_as is not None:
        return _provider_running_as(spec, run_as)
    for source in _sources():
        provider: Provider | None = source.parse_spec(spec)
        if provider is not None:
            return (
                provider.for_production(production) if production and isinstance(provider, ProductionAware) else provider
            )
    known = ", ".join(known_specs())
    word = spec.partition(":")[0]
    if "://" in spec or "=" in spec:  # it may hold a password, and is not repeated
        raise InputError(f"a server with an address is --pg dsn:URL; known are {known}")
    nearest = difflib.get_close_matches(word, [usage.partition("[")[0] for usage in known_specs()], n=1)
    hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
    raise InputError(f"unknown server {spec!r}: known are {known}{hint}")


def _provider_running_as(spec: str, run_as: str) -> Provider:
    from pgcontract.postgres.providers import dsn

    provider = dsn.parse_spec(spec)
    if provider is None:
        raise InputError(
            f"--pg-run-as (or PGCONTRACT_PG_RUN_AS) names the login of migrations on a server of yours, --pg dsn:URL; "
            f"with --pg {spec.partition(':')[0]} a run has its own, so leave it out"
        )
    return provider.running_as(run_as)


def redact_spec(spec: str) -> str:
    """The spec without the password or anything else secret, as it may be printed and stored."""
    if spec.startswith("dsn:"):
        from pgcontract.postgres.providers import dsn  # not at the top: the command's help needs no driver

        return dsn.redact_spec(spec)
    plugin = plugin_of_spec(spec)
    if plugin is None:
        return spec
    redact = getattr(load(plugin), "redact_spec", None)
    word, colon, _ = spec.partition(":")
    return str(redact(spec)) if redact else f"{word}:…" if colon else word


def redact_run_as(run_as: str | None) -> str | None:
    """Who `--pg-run-as` names, without a password."""
    if run_as is None:
        return None
    from pgcontract.postgres import run_as as reading

    return reading.redact_run_as(run_as)


def known_specs() -> tuple[str, ...]:
    """Every spec that `provider_for` answers to, as `--help` prints it: ours in alphabetical order, then plug-ins'."""
    return tuple(source.USAGE for source in _sources())


def own_specs() -> tuple[str, ...]:
    """Those of them that need no plug-in."""
    return tuple(source.USAGE for source in _own_sources())


def plugin_of_spec(spec: str) -> Plugin | None:
    """Who brings the provider that the spec names; None where it is pgcontract's, or nobody's."""
    word = spec.partition(":")[0]
    return next((plugin for plugin in plugins_of("providers") if plugin.name == word), None)


def _sources() -> Iterator[ModuleType]:
    """Each imported when it is its turn: whoever names the first needs none of the others."""
    yield from _own_sources()
    taken = {word for source in _own_sources() for word in re.split(r"[|:\[]", source.USAGE)} | {"none"}
    for plugin in plugins_of("providers"):
        module = load(plugin)
        with as_loaded(plugin):
            if plugin.name in taken:
                raise NameTaken(f"there is a server {plugin.name} already; give its entry point another name")
            if not re.match(rf"{re.escape(plugin.name)}(?=[:\[]|$)", module.USAGE):
                raise NameTaken(f"its USAGE is {module.USAGE!r}, and its entry point is called {plugin.name!r}")
        taken.add(plugin.name)
        yield module


def _own_sources() -> Iterator[ModuleType]:
    modules = (
        importlib.import_module(f"{__name__}.{module.name}")
        for module in pkgutil.iter_modules(__path__)
        if not module.ispkg
    )
    return (module for module in modules if hasattr(module, "USAGE"))
