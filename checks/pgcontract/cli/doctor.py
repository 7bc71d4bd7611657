"""`pgcontract doctor`: which servers can start here, what is missing and how to get it, what is cached or orphaned."""

from __future__ import annotations

import platform
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pgcontract.cli.folder_options import path_argument, read_path
from pgcontract.errors import InputError, PgcontractError, ServerUnavailable

if TYPE_CHECKING:
    from pgcontract.postgres.providers import Production
    from pgcontract.postgres.providers.examination import Examination, Leftovers
    from pgcontract.postgres.providers.local.cache_usage import CacheUsage
    from pgcontract.postgres.providers.server import Probe

_WIDTH = 80
_MARGIN = 15


@click.command("doctor")
@path_argument
@click.option(
    "--pg", metavar="SPEC", envvar="PGCONTRACT_PG", show_envvar=True, help="Also try this dsn:URL.  [default: none]"
)
@click.option(
    "--pg-run-as", metavar="LOGIN", envvar="PGCONTRACT_PG_RUN_AS", show_envvar=True,
    help="The expendable login that migrations run as there.  [default: none]",
)  # fmt: skip
@click.option(
    "--clean", is_flag=True, help="Empty the cache, and remove what killed runs left behind, on the dsn:URL too."
)
def command(path: str | None, pg: str | None, pg_run_as: str | None, clean: bool) -> int:
    """Show which servers can start here, without starting or downloading any.

    PATH is a project, by default the one below the working folder; its production settings choose the image of --pg
    docker. The exit code is 0 if --pg auto finds a server, or the dsn:URL can be used where one is named, else 3.
    """
    from pgcontract.postgres.providers import examination

    production, trouble = _production(path)
    if clean:
        examined = examination.examine(production)
        if examined.account is not None:
            click.echo(f"removed {_describe_removed(*examination.clean(examined.account))}\n")
        _clean_named(pg, pg_run_as)
    examined = examination.examine(production)
    named = _probe_named(pg, pg_run_as)
    click.echo("\n".join(_page(examined, production, trouble, named)))
    can_start = examined.can_start if named is None else named.ok
    return 0 if can_start else ServerUnavailable.exit_code


def _probe_named(pg: str | None, run_as: str | None) -> Probe | None:
    """What the server that the owner names says; None where he names none: the others are looked at anyway."""
    from pgcontract.postgres.providers import provider_for

    if pg is None or pg == "none":
        return None
    if not pg.startswith("dsn"):
        provider_for(pg)  # refuses a name that is none
        return None
    return provider_for(pg, run_as=run_as).probe()


def _clean_named(pg: str | None, run_as: str | None) -> None:
    """What killed runs left on the server that the owner names, which whoever goes to work there removes first."""
    from pgcontract.postgres.platform import platform_of
    from pgcontract.postgres.providers import provider_for
    from pgcontract.postgres.sandbox import Sandbox

    if pg is not None and pg.startswith("dsn"):
        provider = provider_for(pg, run_as=run_as)
        with suppress(PgcontractError), provider.start() as server, Sandbox(server, platform_of("postgres")):
            pass


def _production(path: str | None) -> tuple[Production, str]:
    """What the project says of production, and what is wrong with the project, if anything is."""
    from pgcontract.contract import load_project
    from pgcontract.postgres.providers import Production

    if path is not None and not Path(path).exists():
        raise InputError("there is no such file or folder; name a project, or leave it out", file=path)
    try:
        path, _ = read_path(path, "doctor")
    except InputError:  # which is no trouble of a server's
        return Production(), ""
    try:
        project = load_project(path)
    except PgcontractError as error:
        return Production(), str(error)
    return Production(platform=project.platform, postgres=project.postgres), ""


def _page(examined: Examination, production: Production, trouble: str, named: Probe | None) -> Iterator[str]:
    system = f"{platform.system()} {platform.machine()}"
    yield f"pgcontract {version('pgcontract')}, Python {platform.python_version()}, {system}"
    target = f"{production.platform}, PostgreSQL {production.postgres or 'of no named major'}"
    yield from _entry("production", f"not known: {trouble}" if trouble else target)
    if lines := list(_plugins()):
        yield "\nPlug-ins"
        yield from lines
    yield "\nServers, by their name for --pg"
    for probe in examined.probes:
        yield from _probe(probe)
    if named is not None:
        yield from _probe(named)
    else:
        yield from _entry("  dsn:URL", "a server that you name; not looked at: none is named with --pg")
    yield "\nFolders"
    if examined.no_account:
        yield from _entry("  for a server", examined.no_account)
    for run_directory in examined.run_directories:
        yield from _entry(
            "  for a run", f"{run_directory.folder} ({run_directory.storage}): {_bytes(run_directory.free_bytes)} free"
        )
    for usage in examined.cache:
        yield from _entry("  cache", f"{usage.folder}: {_describe_usage(usage)}")
    yield from _entry("  held", _describe_bound(examined.cache))
    yield from _entry(
        "  left behind",
        f"{_describe_leftovers(examined.leftovers)}; --clean removes it"
        if _describe_leftovers(examined.leftovers)
        else "nothing",
    )


def _plugins() -> Iterator[str]:
    """Each that is installed: what it brings, of which distribution, and why it cannot be loaded, where it cannot."""
    from pgcontract.plugins import load, plugins

    for plugin in plugins():
        whose = f"{plugin.name}, of {plugin} ({plugin.module})"
        try:
            load(plugin)
            yield from _entry(f"  {plugin.kind}", f"yes  {whose}", hang=5)
        except InputError as error:
            yield from _entry(f"  {plugin.kind}", f"no   {whose}", hang=5)
            yield from _entry("", error.message, margin=_MARGIN + 5)


def _probe(probe: Probe) -> Iterator[str]:
    # The source that auto takes has a line of its own, which says where it is.
    description = probe.summary.partition(" in ")[0] if probe.ok and probe.provider == "auto" else probe.summary
    yield from _entry(f"  {probe.provider}", f"{'yes' if probe.ok else 'no '}  {description}", hang=5)
    if not probe.ok and probe.remedy:
        yield from _entry("", probe.remedy, margin=_MARGIN + 5)


def _entry(name: str, text: str, *, hang: int = 0, margin: int = _MARGIN) -> list[str]:
    """The text next to its name, wrapped to the page: what is longer than a line, such as a path, stays whole."""
    return textwrap.wrap(
        " ".join(text.split(" ")),
        width=_WIDTH,
        initial_indent=name.ljust(margin),
        subsequent_indent=" " * (margin + hang),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _describe_removed(usage: Iterable[CacheUsage], leftovers: Leftovers) -> str:
    cache = [f"{_describe_usage(kept_folder)} of {kept_folder.folder}" for kept_folder in usage if kept_folder.entries]
    return "; ".join([*cache, *filter(None, [_describe_leftovers(leftovers)])]) or "nothing: there was nothing"


def _describe_bound(usage: Iterable[CacheUsage]) -> str:
    from pgcontract.postgres.providers.local.cache_bound import SETTING, cache_max_bytes

    held = _bytes(sum(kept_folder.size_bytes for kept_folder in usage))
    try:
        return f"{held} of at most {_bytes(cache_max_bytes())}, the least recently used goes first; set by {SETTING}"
    except InputError as error:
        return f"{held}; {error.message}"


def _describe_usage(usage: CacheUsage) -> str:
    if not usage.entries:
        return "empty"
    answers = f", {usage.answers} of them with answers of earlier runs" if usage.answers else ""
    return f"{_bytes(usage.size_bytes)} in {_count(usage.entries, 'entry', 'entries')}{answers}"


def _describe_leftovers(leftovers: Leftovers) -> str:
    parts = [
        _count(len(names), one, many)
        for names, one, many in (
            (leftovers.folders, "folder", "folders"),
            (leftovers.containers, "container", "containers"),
        )
        if names
    ]
    return f"{' and '.join(parts)} of runs that were killed" if parts else ""


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _bytes(number: int) -> str:
    """Decimal units, as disks are sold: "45.2 MB"."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return f"{number} bytes"
