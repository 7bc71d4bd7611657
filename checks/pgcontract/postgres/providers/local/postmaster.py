"""The running server and its supervisor: a shell that is its parent, and ends it on request or when our process dies.

The supervisor reads a pipe whose other end we hold. The end of that file, which comes with a stop and with any death of
ours, makes it end the server at once and remove the run's folders: an ordinary stop and a kill -9 are handled alike.
The word "leave" before that end makes it keep the folders, for another supervisor to start the server on them again;
"rest" does too, and has the server write out what it holds first.
It is in a session of its own, so Ctrl-C in a terminal reaches neither it nor the server.
"""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from pgcontract.errors import ServerUnavailable
from pgcontract.postgres.providers.local.account import Account
from pgcontract.postgres.providers.local.run_folder import end_processes_in
from pgcontract.postgres.providers.throwaway import throwaway_settings

_START_TIMEOUT_S = 60
# The postmaster itself kills children that do not end within 5 s (postmaster.c).
_STOP_TIMEOUT_S = 10
_CLEAN_STOP_TIMEOUT_S = 600
_POLL_MS = 1
# The end of the server ends this wait at once; the end of a supervisor that somebody killed is only seen between two.
_STOP_POLL_MS = 100
_LOG_LINES = 12

# Standard input is our pipe, standard output tells us that the server lives: only the server keeps it open.
# Root may have put the folder where the server's user can remove nothing: then its owner file stays, for a sweep.
# A process of the server may have 4 GB: PostgreSQL refuses a statement that wants more, where the kernel kills others.
_SUPERVISOR_SCRIPT = """
run=$1 other=$2; shift 2
ulimit -v 4194304 2>/dev/null
"$@" </dev/null & server=$!
exec >/dev/null 2>&1
trap '' HUP INT TERM
word=
read -r word
if [ "$word" = rest ]; then kill -INT $server; else kill -QUIT $server; fi
wait $server
[ -n "$word" ] && exit
for folder in "$run" "$other"; do
    if [ -w "$folder/.." ]; then rm -rf -- "$folder"; else rm -rf -- "$folder/d" "$folder"/.s*; fi
done
"""


class Postmaster:
    """One server process, from launch to stop."""

    def __init__(self, *, cluster: Path, log_file: Path) -> None:
        self.log_file = log_file
        self._pid_file = cluster / "postmaster.pid"
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._alive_pipe = self._control_pipe = -1
        self._relaunch: Callable[[], None] = lambda: None

    def launch(
        self,
        command: Sequence[str | Path],
        *,
        environment: Mapping[str, str],
        folders: tuple[Path, Path],
        account: Account,
    ) -> None:
        """Starts the supervisor, which starts the server; does not wait. Both `folders` are removed at the end."""
        self._relaunch = partial(self.launch, command, environment=environment, folders=folders, account=account)
        supervisor_stdin, control_pipe = os.pipe()
        alive_pipe, supervisor_stdout = os.pipe()
        try:
            with self.log_file.open("xb") as log:
                self._supervisor = subprocess.Popen(
                    ["/bin/sh", "-c", _SUPERVISOR_SCRIPT, "pgcontract-supervisor", *folders, *command],
                    stdin=supervisor_stdin,
                    stdout=supervisor_stdout,
                    stderr=log,
                    cwd="/",
                    env=environment,
                    start_new_session=True,
                    **account.child,
                )
        except (OSError, subprocess.SubprocessError) as error:
            os.close(control_pipe)
            os.close(alive_pipe)
            raise ServerUnavailable(f"the server could not be started as user {account.name}: {error}") from error
        finally:
            os.close(supervisor_stdin)
            os.close(supervisor_stdout)
        self._control_pipe, self._alive_pipe = control_pipe, alive_pipe

    def wait_until_ready(self) -> None:
        """Returns when connections are accepted; a server that ends first is ServerUnavailable, with its log."""
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not self._is_ready():
            if self._has_ended(within_ms=_POLL_MS):
                raise ServerUnavailable(f"the server did not start; its log ends:\n{self._log_end()}")
            if time.monotonic() > deadline:
                late = f"the server was not ready within {_START_TIMEOUT_S} s"
                raise ServerUnavailable(f"{late}; its log ends:\n{self._log_end()}")

    def crash(self) -> None:
        """Ends the server at once, without a checkpoint, and starts it again on the same files.

        Returns when it has recovered. A host that is killed in between leaves folders without a server: for a sweep.
        """
        self._end("leave")
        self._relaunch()
        self.wait_until_ready()

    def stop_cleanly(self) -> None:
        """Ends the server with a checkpoint; its files are whole and stay, for `launch`."""
        self._end("rest", timeout_s=_CLEAN_STOP_TIMEOUT_S)

    def _end(self, word: str, *, timeout_s: float = _STOP_TIMEOUT_S) -> None:
        assert self._supervisor is not None
        with suppress(BrokenPipeError):  # somebody killed the supervisor: `stop` ends the server without it
            os.write(self._control_pipe, f"{word}\n".encode())
        self.stop(timeout_s=timeout_s)
        # Root must never append to a file whose name the server's user may have made a link.
        self.log_file = self.log_file.with_suffix(f".{time.monotonic_ns()}")

    def stop(self, *, timeout_s: float = _STOP_TIMEOUT_S) -> None:
        """Ends the server at once and removes its folders; harmless where nothing was launched."""
        if self._supervisor is None:
            return
        os.close(self._control_pipe)
        deadline = time.monotonic() + timeout_s
        while not self._has_ended(within_ms=_STOP_POLL_MS):
            if self._supervisor.poll() is not None or time.monotonic() > deadline:
                end_processes_in(self._pid_file.parent)
                break
        os.close(self._alive_pipe)
        self._supervisor.wait()
        self._supervisor = None

    def _has_ended(self, *, within_ms: int) -> bool:
        """Whether the server and all its children are gone: then nobody holds the other end of the pipe."""
        # Not select(): a host with a thousand open files would have a number too large for it.
        waiting = select.poll()
        waiting.register(self._alive_pipe, select.POLLIN | select.POLLHUP)
        return bool(waiting.poll(within_ms))

    def _is_ready(self) -> bool:
        # The last line of the pid file is the postmaster's state; it is "ready" padded with blanks (miscadmin.h).
        try:
            return self._pid_file.read_bytes().split(b"\n")[7].strip() == b"ready"
        except (FileNotFoundError, IndexError):
            return False

    def _log_end(self) -> str:
        lines = self.log_file.read_text(errors="replace").splitlines()[-_LOG_LINES:]
        return "\n".join(f"  {line}" for line in lines) or "  (nothing)"


def server_command(
    bin_dir: Path, *, cluster: Path, socket_dir: Path, major: int, settings: Mapping[str, str]
) -> list[str | Path]:
    """The command line of a disposable server; `settings` win."""
    on_socket = {
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "unix_socket_directories": str(socket_dir),
    }
    chosen = {**throwaway_settings(major), **on_socket, **settings}
    options = [word for name, value in chosen.items() for word in ("-c", f"{name}={value}")]
    return [bin_dir / "postgres", "-D", cluster, *options]
