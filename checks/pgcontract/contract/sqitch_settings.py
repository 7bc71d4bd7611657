"""What sqitch.conf says of where a project's plan and scripts are, and of psql's variables.

As Sqitch 1.3.1 does (its Target.pm, and tried): each key by the target, then by its engine, then by [core]; paths begin
at the folder of sqitch.conf, in which Sqitch is started.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Final

from pgcontract.contract.migration_folder import Folder, from_the_top
from pgcontract.errors import InputError
from pgcontract.values import dataclass

CONF_FILE: Final = "sqitch.conf"
PLAN_FILE: Final = "sqitch.plan"

_SECTION: Final = re.compile(r"""[ \t]*\[[ \t]*([\w.-]+)(?:[ \t]+"((?:[^"\\]|\\.)*)")?[ \t]*\]""")
_SETTING: Final = re.compile(r"""[ \t]*([A-Za-z][\w-]*)[ \t]*=[ \t]*((?:"(?:[^"\\]|\\.)*"|[^"#;\n])*)""")
_CONTINUED: Final = re.compile(r"\\\r?\n")
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_NAMED_TARGET: Final = re.compile(r"target\.(.+)\.uri")
_ENGINE_KEY: Final = re.compile(r"engine\.(\w+)\.")
_URI: Final = re.compile(r"(?:db:)?(\w+):")
_POSTGRES: Final = frozenset(("pg", "postgres", "postgresql", "pgsql", "pgxc", "yugabyte"))


@dataclass(frozen=True, kw_only=True)
class SqitchProject:
    """That of one target. `scripts` is where those of each kind are, by `deploy` and `revert`, and those of a
    change that a later one of its name reworks by `reworked_deploy` and its like. `back` are psql's variables on the way
    back."""

    plan: Path
    top: Path
    scripts: Mapping[str, Path]
    extension: str = "sql"
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    back: Mapping[str, str] = field(default_factory=dict, repr=False)


def sqitch_project(folder: Folder) -> SqitchProject | None:
    """That of the folder: it holds sqitch.conf or the plan, or is the top folder of the scripts. The default target's
    where there are several, or the only one for PostgreSQL. Raises InputError where several are left, where they are for
    another database, and where a part of it is outside of the folder."""
    if folder.only is not None:
        return None
    return folder.once("sqitch", lambda: _project(folder))


def _project(folder: Folder) -> SqitchProject | None:
    standard = _from(folder, folder.place, lambda key: "")
    has_plan = folder.has(standard.plan)
    for parent in folder.parents():
        conf = parent / CONF_FILE
        if not (text := folder.settings(conf)):
            continue
        settings = dict(_settings(text))
        engines = [engine for engine, _ in _targets(settings)]
        own = [
            (number, project)
            for number, (engine, target) in enumerate(_targets(settings))
            if engine in _POSTGRES
            and _is_of(folder, parent, project := _of_target(folder, parent, settings, engine, target))
        ]
        if own and own[0][0] != 0 and len({project.top for _, project in own}) > 1:
            named = ", ".join(f"`pgcontract verify {project.top}`" for _, project in own)
            raise InputError(
                f"names several targets for PostgreSQL, and none as the default. Name one: {named}", file=str(conf)
            )
        if own:
            _require_inside(folder, parent, own[0][1])
            return own[0][1]
        if engines and _POSTGRES.isdisjoint(engines) and (has_plan or parent == folder.place):
            raise InputError(
                f"these changes are for the engine {engines[0]!r}; only those for pg can be verified", file=str(conf)
            )
        break
    return standard if has_plan else None


def _is_of(folder: Folder, parent: Path, project: SqitchProject) -> bool:
    places = (parent, from_the_top(project.plan).parent, from_the_top(project.top))
    return folder.place in places and folder.has(project.plan)


def _require_inside(folder: Folder, parent: Path, project: SqitchProject) -> None:
    for path in (project.plan, *project.scripts.values()):
        if not from_the_top(path).is_relative_to(folder.place):
            raise InputError(
                f"a part of this project is outside of it, by {parent / CONF_FILE}: {path}. Name the folder that holds "
                f"all of it: `pgcontract verify {parent}`",
                file=str(folder.path),
            )


def _targets(settings: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The engine and the name of each target, the default first."""
    engine = settings.get("core.engine", "")
    names = [
        settings.get("core.target") or settings.get(f"engine.{engine}.target") or (f"db:{engine}:" if engine else "")
    ]
    names += [match[1] for match in map(_NAMED_TARGET.fullmatch, settings) if match]
    names += [
        settings.get(f"engine.{match[1]}.target", f"db:{match[1]}:")
        for match in map(_ENGINE_KEY.match, settings)
        if match
    ]
    for name in dict.fromkeys(filter(None, names)):
        uri = name if ":" in name else settings.get(f"target.{name}.uri", "")
        if match := _URI.match(uri):
            yield match[1].lower(), name


def _of_target(folder: Folder, parent: Path, settings: Mapping[str, str], engine: str, target: str) -> SqitchProject:
    sections = (f"target.{target}", f"engine.{engine}", "core")

    def value(key: str) -> str:
        return next((settings[name] for section in sections if settings.get(name := f"{section}.{key}")), "")

    def variables(*sections: str) -> dict[str, str]:
        starts = [f"{section}.variables." for section in sections]
        return {key[len(start) :]: settings[key] for start in starts for key in settings if key.startswith(start)}

    there = ("core", "deploy", f"engine.{engine}", f"target.{target}")
    back = ("core", "deploy", "revert", f"engine.{engine}", f"target.{target}")
    return replace(_from(folder, parent, value), variables=variables(*there), back=variables(*back))


def _from(folder: Folder, parent: Path, value: Callable[[str], str]) -> SqitchProject:
    def at(key: str, otherwise: Path) -> Path:
        return _as_named(folder, parent / value(key)) if value(key) else otherwise

    top = at("top_dir", _as_named(folder, parent))
    reworked = at("reworked_dir", top)
    scripts = {kind: at(f"{kind}_dir", top / kind) for kind in ("deploy", "revert")}
    scripts |= {f"reworked_{kind}": at(f"reworked_{kind}_dir", reworked / kind) for kind in ("deploy", "revert")}
    return SqitchProject(
        plan=at("plan_file", top / PLAN_FILE), top=top, scripts=scripts, extension=value("extension") or "sql"
    )


def _as_named(folder: Folder, path: Path) -> Path:
    """The path as the owner named the folder, where it is in that."""
    place = from_the_top(path)
    return folder.path / place.relative_to(folder.place) if place.is_relative_to(folder.place) else place


def _settings(text: str) -> Iterator[tuple[str, str]]:
    """Each by its section and name with dots between, as `engine.pg.top_dir`; the last of a name counts."""
    section = ""
    for line in _CONTINUED.sub("", text).splitlines():
        rest = line
        if opened := _SECTION.match(line):
            section = opened[1].lower() + (f".{opened[2]}" if opened[2] is not None else "")
            rest = line[opened.end() :]
        if setting := _SETTING.match(rest):
            # A variable's name keeps its capitals.
            name = setting[1] if section.endswith("variables") else setting[1].lower()
            value = setting[2].strip()
            yield f"{section}.{name}", _QUOTED.sub(lambda match: match[1].replace('\\"', '"'), value)
