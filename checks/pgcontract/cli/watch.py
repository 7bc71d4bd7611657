"""`verify --watch`: one screen that is true of the files as they are, until Ctrl-C."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

import click

from pgcontract.errors import PgcontractError
from pgcontract.model.wording import first_of

if TYPE_CHECKING:
    from pgcontract.contract import Project
    from pgcontract.result import Run, RunOptions
    from pgcontract.runner.rounds import Round

Stamp = tuple[int, int, int]
Snapshot = Mapping[str, Stamp]

_PAUSE_S: Final = 0.25
_SETTLED_S: Final = 0.15  # without another change: editors write several files, and rename them
_SHARE: Final = 20  # of the time, at most one part of so many is spent looking at files
_MIN_WIDTH: Final = 40
_MIN_LINES: Final = 5

# The alternate screen, so that what was there before comes back; no cursor, which would jump; a page is drawn at once.
_OPEN: Final = "\x1b[?1049h\x1b[?25l"
_CLOSE: Final = "\x1b[?25h\x1b[?1049l"
_BEGIN: Final = "\x1b[?2026h\x1b[H"
_END: Final = "\x1b[J\x1b[?2026l"
_END_OF_LINE: Final = "\x1b[K\n"


def require_terminal() -> None:
    """Raises UsageError where there is no screen to keep calm."""
    if not sys.stdout.isatty():
        raise click.UsageError(
            "--watch keeps one screen, and standard output is no terminal. Leave it out, or run it in a terminal."
        )


def watch(read: Callable[[], Project], options: RunOptions, path: str, *, verbose: bool) -> int:
    """Verifies on each save until Ctrl-C, whose exit code it lets through. A file that cannot be read is told like
    everything else, and the watch goes on; so it is where the folder is gone."""
    from pgcontract.runner.rounds import Rounds

    project: Project | None = None
    last: Run | None = None
    with Rounds() as rounds, _screen(sys.stdout) as screen:
        try:
            screen.say(f"Asking about {path}. Ctrl-C ends.")
            while True:
                before, started = _snapshot(path, project), time.perf_counter()
                try:
                    project = read()
                    before = _snapshot(path, project)
                    asked = rounds.verify(project, options)
                    last = asked.run
                    screen.show(
                        _page(asked.run, verbose=verbose), _round_line(asked, path, time.perf_counter() - started)
                    )
                except PgcontractError as error:
                    screen.show(_mistake(error), f"Cannot be asked. Watching {path}. Ctrl-C ends.")
                changed = _wait_for_change(path, project, before, screen)
                screen.say(f"{changed}: asking again. Ctrl-C ends.")
        finally:
            screen.after = _verdict(last)


def _round_line(asked: Round, path: str, seconds: float) -> str:
    kept = asked.planned - asked.asked
    words = f"{asked.asked} asked in {seconds:.1f} s" + (f", {kept} as before" if kept else "")
    return f"{words}. Watching {path}. Ctrl-C ends."


def _page(run: Run, *, verbose: bool) -> Callable[[int], str]:
    from pgcontract.reporting import text

    return lambda width: text.render_page(run, width=width, verbose=verbose, color=True)


def _mistake(error: PgcontractError) -> Callable[[int], str]:
    from pgcontract.reporting.markup import visible

    def render(width: int) -> str:
        lines = visible(f"error: {error}", lines=True).splitlines()
        return "\n".join(line[at : at + width] for line in lines for at in range(0, max(len(line), 1), width))

    return render


def _verdict(run: Run | None) -> str:
    """What stays on the terminal behind the screen."""
    from pgcontract.reporting.markup import visible

    return visible(f"{run.verdict.decision.value}  {run.migration}") if run is not None else ""


class Screen:
    """A page and one line below it. What does not fit is cut off, and said to be."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._render: Callable[[int], str] = lambda width: ""
        self._line = ""
        self._size = os.get_terminal_size(self._stream.fileno())
        self.after = ""

    def show(self, render: Callable[[int], str], line: str) -> None:
        self._render, self._line = render, line
        self._draw()

    def say(self, line: str) -> None:
        """Another line below the same page."""
        self._line = line
        self._draw()

    def fit(self) -> None:
        """Draws it anew where the terminal has another size by now."""
        if os.get_terminal_size(self._stream.fileno()) != self._size:
            self._draw()

    def _draw(self) -> None:
        self._size = os.get_terminal_size(self._stream.fileno())
        width, height = max(self._size.columns, _MIN_WIDTH), max(self._size.lines, _MIN_LINES)
        lines = self._render(width - 1).rstrip("\n").splitlines()
        room = height - 2
        if len(lines) > room:
            lines = [*lines[: room - 1], f"… and {len(lines) - room + 1} more lines: without --watch they are all shown."]
        lines += [""] * (room - len(lines))
        from pgcontract.reporting.markup import visible

        below = visible(self._line)[: width - 1]
        body = _END_OF_LINE.join((*(f"{line}\x1b[0m" for line in lines), "", f"\x1b[2m{below}\x1b[0m\x1b[K"))
        self._stream.write(f"{_BEGIN}{body}{_END}")
        self._stream.flush()


@contextmanager
def _screen(stream: TextIO) -> Iterator[Screen]:
    """The screen, and the terminal as it was behind it, however it ends."""
    screen = Screen(stream)
    with _no_echo():
        stream.write(_OPEN)
        try:
            yield screen
        finally:
            stream.write(f"{_CLOSE}{screen.after}\n" if screen.after else _CLOSE)
            stream.flush()


@contextmanager
def _no_echo() -> Iterator[None]:
    """What is typed does not show on the page."""
    if not sys.stdin or not sys.stdin.isatty():
        yield
        return
    import termios

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    without = [*before]
    without[3] &= ~(termios.ECHO | termios.ICANON)
    termios.tcsetattr(descriptor, termios.TCSADRAIN, without)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)


def _wait_for_change(path: str, project: Project | None, before: Snapshot, screen: Screen) -> str:
    """Waits until something is another than it was, and then until nothing changes any more; gives its names."""
    while True:
        started = time.perf_counter()
        now = _snapshot(path, project)
        if now != before:
            break
        screen.fit()
        time.sleep(max(_PAUSE_S, _SHARE * (time.perf_counter() - started)))
    while True:
        time.sleep(_SETTLED_S)
        settled = _snapshot(path, project)
        if settled == now:
            break
        now = settled
    names = sorted({Path(name).name for name in before.keys() | now.keys() if before.get(name) != now.get(name)})
    shown = first_of(names)
    return f"{shown or 'A file'} changed"


def _snapshot(path: str, project: Project | None) -> Snapshot:
    """When each file was last written, its size and which file it is: all in the folder, and what else was read, with the
    places where a configuration may come to be."""
    from pgcontract.contract.configuration import PROJECT_FILE, PYPROJECT, places
    from pgcontract.contract.folder_walk import walk
    from pgcontract.runner.source_files import source_files

    folder = Path(path)
    files = {path}
    if project is not None:
        files.update(source.path for source in source_files(project))
        scripts = [script for migration in project.chain for script in (migration.up, migration.down) if script]
        files.update(statement.path for script in scripts for statement in script.statements if statement.path)
        folder = project.root
    around = folder if folder.is_dir() else folder.parent
    try:
        files.update(str(place / name) for place in places(around) for name in (PROJECT_FILE, PYPROJECT))
    except OSError:  # the working folder is gone
        return {}
    for level in walk(around) if around.is_dir() else ():
        files.update(str(level.path / name) for name in level.files)
    return {file: stamp for file in files if (stamp := _stamp(file)) is not None}


def _stamp(file: str) -> Stamp | None:
    try:
        stat = os.stat(file)  # noqa: PTH116 - of thousands, again and again
    except OSError:
        return None
    # A folder changes with each file in it, which is told by the file itself.
    return (0, 0, stat.st_ino) if os.path.isdir(file) else (stat.st_mtime_ns, stat.st_size, stat.st_ino)  # noqa: PTH112
