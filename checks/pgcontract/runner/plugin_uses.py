"""Which plug-ins took part in a run, and by what: their code decided what was asked, read or answered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from pgcontract.contract import ColumnFormat, Project
from pgcontract.contract.layouts import plugin_of_layout
from pgcontract.formats import standards
from pgcontract.plugins import Plugin
from pgcontract.postgres.providers import plugin_of_spec
from pgcontract.result import CheckInfo, Finding
from pgcontract.result.plugin_use import PluginUse


def plugin_uses(
    project: Project, findings: Iterable[Finding], infos: Iterable[CheckInfo], spec: str
) -> tuple[PluginUse, ...]:
    """By name; `spec` is the server that was asked for."""
    asked = {finding.check for finding in findings}
    brought: dict[tuple[str, str], list[str]] = defaultdict(list)
    for info in infos:
        if info.plugin and info.id in asked:
            name, _, version = info.plugin.rpartition(" ")
            brought[name, version].append(f"check {info.id}")
    for plugin, what in _others(project, spec):
        brought[plugin.distribution, plugin.version].append(what)
    return tuple(
        PluginUse(name=name, version=version, brought=tuple(dict.fromkeys(what)))
        for (name, version), what in sorted(brought.items())
    )


def _others(project: Project, spec: str) -> Iterator[tuple[Plugin, str]]:
    if plugin := plugin_of_layout(project.layout):
        yield plugin, f"layout {project.layout}"
    contracts = (migration.contract for migration in project.chain if migration.contract)
    named = sorted({section.standard for contract in contracts for section in contract.of(ColumnFormat)})
    for name in named:
        if plugin := standards()[name].plugin:
            yield plugin, f"standard {name}"
    if plugin := plugin_of_spec(spec):
        yield plugin, f"provider {plugin.name}"
