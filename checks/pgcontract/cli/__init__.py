"""The command `pgcontract`: arguments in, one exit code out, and one message where something is wrong."""

from __future__ import annotations

import atexit
import errno
import gc
import importlib
import io
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final, NoReturn

import click

from pgcontract.errors import PgcontractError, ServerUnavailable

INTERRUPTED: Final = 130  # 128 + SIGINT, as shells say it
INTERNAL_ERROR: Final = 4
_NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_GARBAGE_THRESHOLD: Final = 200_000

# One command, one file; a file is imported only when its command is asked for.
_COMMANDS: Final = {
    "verify": ("verify", "Check a chain of migrations on a fresh server, and report a verdict."),
    "list": ("checks", "List every check: its id, severity and title."),
    "explain": ("explain", "Explain a check: why it matters, how it is measured, what to do."),
    "config": ("config", "Print what is configured, and where each value comes from."),
    "draft": ("draft", "Write a first contract from what a migration does."),
    "waive": ("waive", "Write a waiver for a promise that is broken, where it belongs."),
    "report": ("report", "Print or write a report from a run.json."),
    "diff": ("diff", "Say what changes from one run to another."),
    "release": ("release", "Gather for an operator what was verified, with a checklist."),
    "stats": ("stats", "Print the SELECT that tells how many rows production's tables have, for --stats."),
    "history": ("history", "Print the SELECT that tells which migrations production has, for --history."),
    "doctor": ("doctor", "Show which servers can start here, what is missing, what is cached."),
    "schema": ("schema", "Print the JSON Schema of the files you write, or of run.json."),
}
# How the help calls what names a file or folder.
_PLACES: Final = frozenset(("FILE", "DIR", "RUN.json", "RUN_A.json", "RUN_B.json"))


class _Place(click.types.StringParamType):
    """A file or folder. One without a name is none: an empty variable of the shell would name the working folder."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not value.strip():
            self.fail("an empty text, as of a variable that is not set; leave it out, or name one.", param, ctx)
        return value


class Commands(click.Group):
    """The commands, in the order an owner meets them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"pgcontract.cli.{_COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        for parameter in command.params:
            if parameter.metavar in _PLACES:
                parameter.type = _Place()
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """As click does it, without importing every command for its help."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        word = args[0]
        if word not in _COMMANDS and not word.startswith("-"):
            near = get_close_matches(word, _COMMANDS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are: {', '.join(_COMMANDS)}."
            raise click.UsageError(f"no such command {word!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pgcontract", prog_name="pgcontract", message="%(prog)s %(version)s")
def commands() -> None:
    """Check what migrations promise on a real PostgreSQL server, and report each result with its evidence.

    \b
    Exit codes: 0 CLEAR or CAUTION, 1 BLOCKED, 2 wrong options or files that cannot be read,
    3 INCOMPLETE, 4 a bug in pgcontract. PGCONTRACT_DEBUG=1 shows the traceback of an error.
    """


def main() -> None:
    """The console script: exits with what `run` says. Ctrl-C, SIGTERM and SIGHUP leave nothing behind."""
    from pgcontract.postgres.providers import terminate_on_signals

    # Python shows these to developers alone, and a plug-in's is whoever runs this.
    warnings.filterwarnings("default", message=".*pgcontract", category=DeprecationWarning)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that cannot show a character is no error
    terminate_on_signals()
    # What is imported stays, and most of what a run makes has no cycles: looking for them costs a tenth of a short run.
    gc.set_threshold(_GARBAGE_THRESHOLD)
    _leave(run(sys.argv[1:]))


def _leave(code: int) -> NoReturn:
    """End as `sys.exit` would, but take no thousand modules apart first: that is a twentieth of a short run."""
    atexit._run_exitfuncs()
    try:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    except (AttributeError, OSError, ValueError):
        sys.exit(code)  # a stream is closed, which Python has its own words for
    if sys.getprofile() or sys.gettrace():
        sys.exit(code)  # whoever measures this writes down what he found
    os._exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command and give its exit code; every exception becomes one message on standard error."""
    try:
        code = commands.main(list(arguments) or ["--help"], prog_name="pgcontract", standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "pgcontract"
        return _fail(f"{error.format_message()} See {command} --help.", error.exit_code)
    except click.ClickException as error:
        return _fail(error.format_message(), error.exit_code)
    except PgcontractError as error:
        return _fail(str(error), error.exit_code)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            return _fail_by_bug(error)
        what = f"{error.filename} cannot be written" if error.filename else "what is said cannot be written"
        return _fail(f"{what}: {error.strerror}. Make room there, or write it elsewhere.", ServerUnavailable.exit_code)
    except Exception as error:  # noqa: BLE001 - the last place that can say it in one line
        return _fail_by_bug(error)
    return code if isinstance(code, int) else 0


def _fail_by_bug(error: Exception) -> int:
    from pgcontract.plugins import blamed_for

    return _fail(
        f"a bug of {blamed_for(error)}, not of the migration: {type(error).__name__}: {error}. "
        "PGCONTRACT_DEBUG=1 shows the traceback; please report it.",
        INTERNAL_ERROR,
    )


def _fail(message: str, code: int) -> int:
    if os.environ.get("PGCONTRACT_DEBUG", "0") not in ("", "0"):
        traceback.print_exc()
    # A file's name or a server's word must not steer the terminal.
    from pgcontract.reporting.markup import visible

    click.echo(f"error: {visible(message, lines=True)}", err=True)
    return code
