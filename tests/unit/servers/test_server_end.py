"""Nothing of a run is left, whatever ended it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from case_tables import cases
from pgcontract.postgres.providers import Server, provider_for
from server_processes import Watch, kill, processes_in

Hold = Callable[..., "subprocess.Popen[str]"]
NOTHING: tuple[list[str], list[int]] = ([], [])


def left_in(room: Path) -> tuple[list[str], list[int]]:
    return sorted(path.name for path in room.iterdir()), processes_in(room)


def run_folder(holder: subprocess.Popen[str]) -> Path:
    assert holder.stdout
    return Path(holder.stdout.readline().split()[0])


def supervisors(folder: Path) -> list[int]:
    return processes_in(folder, b"supervisor")


def lasting(folder: Path) -> list[int]:
    """The supervisor and the server without its children, which come and go."""
    servers = [int(file.read_text().split()[0]) for file in folder.rglob("postmaster.pid")]
    return [pid for pid in processes_in(folder) if pid in [*servers, *supervisors(folder)]]


def crash(server: Server) -> None:
    assert server.crash
    server.crash()


@cases("meanwhile", {
    "nothing": lambda server: None,
    "its supervisor is killed": lambda server: kill(supervisors(Path(server.host))),
    "it crashes and comes back": crash,
})  # fmt: skip
def test_nothing_is_left_of_a_server_when(room: Path, meanwhile: Callable[[Server], None]) -> None:
    with provider_for("wheel").start() as server:
        meanwhile(server)

    assert left_in(room) == NOTHING


def test_nothing_is_left_after_an_exception(room: Path) -> None:
    with pytest.raises(ZeroDivisionError), provider_for("wheel").start():
        raise ZeroDivisionError

    assert left_in(room) == NOTHING


def test_nothing_is_left_after_ctrl_c(room: Path, hold: Hold) -> None:
    holder = hold()
    run_folder(holder)
    holder.send_signal(signal.SIGINT)
    holder.wait()

    assert left_in(room) == NOTHING


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["SIGTERM", "SIGHUP"])
def test_the_command_ends_cleanly_at_a_signal(room: Path, hold: Hold, number: signal.Signals) -> None:
    holder = hold("--terminate-on-signals")
    run_folder(holder)
    holder.send_signal(number)

    assert (128 + number, NOTHING) == (holder.wait(), left_in(room))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_the_supervisor_cleans_up_after_a_host_that_could_not(room: Path, hold: Hold, number: signal.Signals) -> None:
    holder = hold()
    watch = Watch(supervisors(run_folder(holder)))
    holder.send_signal(number)
    holder.wait()
    watch.wait()

    assert left_in(room) == NOTHING


def test_the_next_run_removes_what_a_killed_run_and_its_supervisor_left(room: Path, hold: Hold) -> None:
    holder = hold()
    leftover = run_folder(holder)
    kill([*supervisors(leftover), holder.pid])
    holder.wait()
    server_outlived_them = bool(processes_in(leftover))
    with provider_for("wheel").start() as server:
        actual = left_in(room)[0], processes_in(leftover)
        expected: tuple[list[str], list[int]] = ([Path(server.host).name], [])

    assert (True, expected) == (server_outlived_them, actual)


def test_the_next_run_removes_what_a_supervisor_may_not(room: Path, hold: Hold) -> None:
    room.chmod(0o755)
    holder = hold()
    watch = Watch(supervisors(run_folder(holder)))
    holder.kill()
    watch.wait()
    with provider_for("wheel").start() as server:
        actual = left_in(room)[0]

    assert [Path(server.host).name] == actual


def test_a_run_that_goes_on_is_not_swept_by_another(room: Path, hold: Hold) -> None:
    holder = hold()
    folder = run_folder(holder)
    before = lasting(folder)
    with provider_for("wheel").start():
        pass

    assert (2, before) == (len(before), lasting(folder))


def test_folders_that_only_look_like_ours_are_not_swept(room: Path) -> None:
    prefix = f"pgcontract-{os.geteuid()}-"
    owner_line = "pgcontract run folder, removed when its owner is gone; owner's process id: 1\n"
    elsewhere = room / "elsewhere"
    foreign = {
        f"{prefix}00000001": None,
        f"{prefix}00000002": "somebody else's",
        f"{prefix}backup": owner_line,
        f"{prefix}00000003.old": owner_line,
        "pgcontract-4294967294-00000004": owner_line,
        "elsewhere": owner_line,
    }
    for name, owner in foreign.items():
        (room / name).mkdir()
        if owner:
            (room / name / "owner").write_text(owner)
    (room / f"{prefix}00000005").symlink_to(elsewhere)
    before = sorted(path.relative_to(room) for path in room.rglob("*"))
    with provider_for("wheel").start():
        pass

    assert before == sorted(path.relative_to(room) for path in room.rglob("*"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's folder")
def test_another_users_folder_is_not_swept(room: Path) -> None:
    folder = room / f"pgcontract-{os.geteuid()}-00000001"
    folder.mkdir()
    owner = folder / "owner"
    owner.write_text("pgcontract run folder, removed when its owner is gone; owner's process id: 1\n")
    os.chown(folder, 12345, 12345)
    with provider_for("wheel").start():
        pass

    assert owner.exists()


def test_a_server_whose_supervisor_was_killed_comes_back_from_a_crash(room: Path) -> None:
    with provider_for("wheel").start() as server:
        kill(supervisors(Path(server.host)))
        crash(server)
        came_back = bool(processes_in(Path(server.host)))

    assert (True, NOTHING) == (came_back, left_in(room))


def test_the_supervisor_cleans_up_after_a_host_that_died_after_a_crash(room: Path, hold: Hold) -> None:
    holder = hold("--crash")
    watch = Watch(supervisors(run_folder(holder)))
    holder.kill()
    holder.wait()
    watch.wait()

    assert left_in(room) == NOTHING
