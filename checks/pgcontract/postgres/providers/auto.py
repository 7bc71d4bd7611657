"""The first source that starts of those that may be used unasked: the wheel, else installed binaries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from pgcontract.errors import ServerUnavailable
from pgcontract.postgres.providers.binaries import Binaries
from pgcontract.postgres.providers.server import NO_SETTINGS, Probe, Provider, Server
from pgcontract.postgres.providers.wheel import Wheel

USAGE = "auto"


def parse_spec(spec: str) -> Auto | None:
    """The provider for `auto`."""
    return Auto() if spec == USAGE else None


class Auto:
    """Tries each in turn; never docker and never a DSN, which only the owner may ask for."""

    name = "auto"

    def probe(self) -> Probe:
        """The first of its providers that is there, else what each of them found."""
        probes = [provider.probe() for provider in _in_order()]
        chosen = next((probe for probe in probes if probe.ok), None)
        if chosen:
            return Probe(provider=self.name, ok=True, summary=f"{chosen.provider}: {chosen.summary}")
        return Probe(
            provider=self.name,
            ok=False,
            summary="; ".join(f"{probe.provider}: {probe.summary}" for probe in probes),
            remedy="; or ".join(probe.remedy for probe in probes),
        )

    @contextmanager
    def start(self, *, settings: Mapping[str, str] = NO_SETTINGS, locale: str | None = None) -> Iterator[Server]:
        """A server of the first provider that starts; if none does, one ServerUnavailable says why for each."""
        refused: list[str] = []
        with ExitStack() as stack:
            for provider in _in_order():
                try:
                    server = stack.enter_context(provider.start(settings=settings, locale=locale))
                except ServerUnavailable as error:
                    refused.append(f"{provider.name}: {error.message}")
                else:
                    yield server
                    return
        raise ServerUnavailable("no PostgreSQL server could be started:" + "".join(f"\n  {why}" for why in refused))


def _in_order() -> tuple[Provider, ...]:
    return (Wheel(), Binaries())
