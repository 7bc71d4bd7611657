"""Layouts of migration folders: how a tool names, orders and runs its files is known to one file here, and nowhere else.

A layout is a module of this package, or a plug-in's, that is a `Layout`; nothing lists them.
"""

from __future__ import annotations

import importlib
import pkgutil
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import islice
from pathlib import Path, PurePosixPath
from shlex import quote
from typing import Final, Protocol

from pgcontract.contract.layouts import dump, flat, psql
from pgcontract.contract.migration_folder import Folder, FolderReading
from pgcontract.contract.tool_evidence import shows_another_tool
from pgcontract.contract.tool_history import ToolHistory
from pgcontract.contract.unread_tools import CODE, SCRATCH, refuse_unread, refuse_unread_layout, unread_tool
from pgcontract.contract.validation_errors import nearest
from pgcontract.errors import InputError, UnreadableScript
from pgcontract.plugins import NameTaken, Plugin, as_loaded, load, origin_of, plugins_of


class Layout(Protocol):
    """One way to lay out migrations in a folder."""

    @property
    def NAME(self) -> str:  # noqa: N802 - a constant of the module
        """What `--layout` calls it: the tool's name, lower case."""

    @property
    def SENTENCE(self) -> str:  # noqa: N802 - a constant of the module
        """How the tool reads and runs the folder, in one short clause: "by number, each file in a transaction"."""

    @property
    def HISTORY(self) -> ToolHistory:  # noqa: N802 - a constant of the module
        """What the tool keeps of what it has applied, and does where the folder does not agree with it."""

    def recognises(self, folder: Folder) -> str | None:
        """What shows that the folder is laid out like this, as "has migration_lock.toml"; None where it is not. No two
        layouts recognise the same folder, but for the one that takes any."""

    def read_folder(self, folder: Folder) -> FolderReading:
        """Every migration of the folder. Raises InputError where there is no folder or nothing in it."""


_ANY_FOLDER: Final[Layout] = flat
# Files that no tool has its own way with; asked behind all tools, and in this order.
_ANY_FILE: Final[tuple[Layout, ...]] = (dump, psql)
# What tools with a folder a migration call the script in it.
FOLDER_FILES: Final = ("migration.sql", "up.sql")
_MAX_FOLDERS: Final = 20
_MAX_NAMED: Final = 5
_MAX_LEVELS: Final = 7  # of src/main/resources/db/migration in one of several modules
_MAX_LOOKED_AT: Final = 500
_NOT_LOOKED_INTO: Final = ("node_modules", "vendor", "target", "build", "dist", "venv", "site-packages")


def folders_of_files(files: Iterable[str]) -> Sequence[str]:
    """The folders that hold these migrations, none within another. Those of a tool that has a folder a migration lie in
    the folder of these."""
    paths = [PurePosixPath(file) for file in files]
    parents = dict.fromkeys(path.parent.parent if path.name in FOLDER_FILES else path.parent for path in paths)
    return [str(path) for path in parents if parents.keys().isdisjoint(path.parents)]


def deploy_command(name: str, folders: Sequence[str]) -> str | None:
    """What is typed to have the layout's own tool run what is pending in these folders; None where a file is run by no
    tool with a history of its own, or by a platform's."""
    template: str | None = getattr(layouts()[name], "DEPLOY", None) if name in layouts() else None
    return _filled(template, folders) if template else None


def back_command(name: str, folders: Sequence[str], *, count: int) -> str | None:
    """What is typed to have the layout's own tool take back the last `count` migrations; None where it cannot."""
    template: str | None = getattr(layouts()[name], "BACK", None) if name in layouts() else None
    return "\n".join([_filled(template, folders)] * count) if template else None


def _filled(template: str, folders: Sequence[str]) -> str:
    """With shell words in it: `folder` is what holds all of them, `locations` lists them."""
    locations = ",".join(f"filesystem:{folder}" for folder in folders)
    return template.format(folder=quote(posixpath.commonpath(folders) or "."), locations=quote(locations))


_BROUGHT: Final[dict[str, Plugin]] = {}


def plugin_of_layout(name: str) -> Plugin | None:
    """Who brings the layout of that name; None where it is pgcontract's."""
    return _BROUGHT.get(name)


@cache
def layouts() -> Mapping[str, Layout]:
    """Every layout by its name: pgcontract's, so that no plug-in changes how a known tool's folder is read, then those of
    plug-ins, and last the one that takes any folder. InputError where a plug-in cannot be loaded."""
    modules = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    last = (*_ANY_FILE, _ANY_FOLDER)
    known: dict[str, Layout] = {module.NAME: module for module in modules if module not in last}
    ours = known | {layout.NAME: layout for layout in last}
    for plugin in plugins_of("layouts"):
        layout: Layout = load(plugin)
        with as_loaded(plugin):
            if layout.NAME in ours or layout.NAME in known:
                owner = origin_of(_BROUGHT.get(layout.NAME))
                raise NameTaken(f"there is a layout {layout.NAME} already, of {owner}; give it another NAME")
            if not layout.NAME.islower():
                raise NameTaken(f"its NAME is {layout.NAME!r}; --layout takes names in lower case")
        known[layout.NAME] = layout
        _BROUGHT[layout.NAME] = plugin
    return known | {layout.NAME: layout for layout in last}


def layout_of(folder: Folder) -> tuple[Layout, str]:
    """The layout of a folder of migrations, the first that recognises it, and what shows it. Raises InputError where
    none does, with what was looked for and what lies one level down; and where it is a tool's that is not read."""
    if of_a_tool := layout_of_tool(folder):
        return of_a_tool
    refuse_unread(folder)
    if shown := shows_any_folder(folder):
        return _ANY_FOLDER, shown
    if folder.only is not None:
        flat.read_folder(folder)  # says what is wrong with the file
    if folder.left_out:
        raise InputError(
            "holds no migrations but those that `leave_out` of the configuration leaves out; take a glob out of it",
            file=str(folder.path),
        )
    raise InputError(_nothing_known(folder), file=str(folder.path))


def shows_any_folder(folder: Folder) -> str | None:
    """What shows that the layout which takes any folder takes it; one with folders of a tool's, or at a tool's place, is
    that tool's matter."""
    in_order = flat.folders_in_order(folder)
    if in_order and shows_another_tool(folder):
        return None
    # Its files are called `.up.sql`, each with the way back beside it; nothing else of them is that tool's.
    also_any = (*_ANY_FILE, layouts()["golang-migrate"]) if flat.up_and_down(folder) else _ANY_FILE
    for inner in in_order:
        known = layout_of_tool(inner)
        if (known and known[0] not in also_any) or unread_tool(inner):
            return None
    return _ANY_FOLDER.recognises(folder)


def layout_of_tool(folder: Folder) -> tuple[Layout, str] | None:
    """The same, but for the layout that takes any folder."""
    # What the folder itself shows comes before what its project declares: other tools run there too.
    for seen in (replace(folder, platform=None), folder):
        for layout in layouts().values():
            if layout is not _ANY_FOLDER and (shown := layout.recognises(seen)):
                return layout, shown
    return None


def is_recognised(path: Path) -> bool:
    """Whether a folder holds migrations of its own, or those of a tool that is not read, which is then told."""
    folder = Folder(path=path, root=path)
    try:
        if (path / "contracts").is_dir() or ((path / "migrations").is_dir() and is_recognised(path / "migrations")):
            return True
        known = layout_of_tool(folder) or unread_tool(folder) or shows_any_folder(folder)
    except (InputError, PermissionError):
        return True
    return bool(known)


def _nothing_known(folder: Folder) -> str:
    """What was looked for, and the folders in it, or the folder `migrations` in one of those, with what they would be
    read as."""
    below = [path for path in folder.folders() if not path.name.startswith(".")]
    inner = map(_with_migrations, below[:_MAX_FOLDERS])
    known = [(path, name) for path in inner if (name := _read_as(path)) is not None]
    if known:
        return f"holds no migrations itself. One level down {_named(known)}"
    if further := list(islice(_further_down(below), _MAX_NAMED)):
        return f"holds no migrations itself. Further down {_named(further)}"
    names = ", ".join(f"{path.name}/" for path in below[:_MAX_FOLDERS])
    there = f"One level down are {names}, and no migrations in them" if names else _what_is_there(folder)
    return f"holds no migrations that are known here. {there}. Looked for those of {', '.join(layouts())}"


def _what_is_there(folder: Folder) -> str:
    """Its files, which are not SQL by their names, and what to do about them."""
    files = [path for path in folder.files("") if path.suffix]
    if not files:
        return "There is no folder in it either"
    if any(path.suffix in CODE for path in files):
        return f"Its files, such as {files[0].name}, are code, and there is no SQL in them to read: {SCRATCH}"
    return (
        f"Its files, such as {files[0].name}, do not end in .sql: where they are SQL, rename them; one can be read by "
        "`pgcontract verify - < FILE`"
    )


def _named(folders: list[tuple[Path, str]]) -> str:
    shown = [f"{path} ({name})" for path, name in folders]
    if len(shown) == 1:
        return f"there is {shown[0]}: name that"
    if len(names := {name for _, name in folders} - {_ANY_FOLDER.NAME}) == 1:
        return f"there are {', '.join(shown)}: {names.pop()} reads each by itself, so name one"
    return f"there are {', '.join(shown)}: name one"


def _read_as(path: Path) -> str | None:
    """The layout, or the tool that is not read, of a folder; None where nothing in it is known."""
    inner = Folder(path=path, root=path)
    try:
        of_a_tool = layout_of_tool(inner)
        if of_a_tool:
            return of_a_tool[0].NAME
        tool = unread_tool(inner)
        name = _ANY_FOLDER.NAME if shows_any_folder(inner) else None
    except InputError:  # one that may not be looked into
        return None
    return tool.name if tool else name


def _further_down(folders: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Folders below these with migrations of a known tool, or called so, each with what it would be read as; the nearest
    first, none within another."""
    level, looked_at = list(folders), 0
    for _ in range(_MAX_LEVELS):
        following: list[Path] = []
        for path in level:
            if path.is_symlink() or path.name.startswith(".") or path.name in _NOT_LOOKED_INTO:
                continue
            looked_at += 1
            if looked_at > _MAX_LOOKED_AT:
                return
            name = _read_as(path)
            if name is not None and (name != _ANY_FOLDER.NAME or path.name.startswith("migration")):
                yield path, name
                continue
            try:
                following += sorted(inner for inner in path.iterdir() if inner.is_dir())
            except OSError:
                continue
        level = following


def _with_migrations(path: Path) -> Path:
    return path / "migrations" if (path / "migrations").is_dir() else path


def layout_called(name: str) -> Layout:
    """The layout of that name, in capitals or not. Raises InputError where there is none."""
    if name.lower() in layouts():
        return layouts()[name.lower()]
    refuse_unread_layout(name)
    raise InputError(f"--layout {name or repr(name)}: no layout is called so; {nearest(name, sorted(layouts()))}")


def read_what_is_sql(layout: Layout, folder: Folder) -> FolderReading:
    """What the layout makes of it, where a file that is no SQL is passed over and stops no other."""
    while True:
        try:
            return layout.read_folder(folder)
        except UnreadableScript as error:
            path = Path(error.file or "")
            if folder.only is not None or path in folder.unreadable:
                raise
            folder = replace(folder, unreadable=folder.unreadable | {path}, _openings={}, _answers={})
