"""A server in a container comes up once it is the one that stays, keeps its word after a crash, and leaves nothing."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace

import psycopg
import pytest
from images import PLAIN, RASH, Recipe
from pgcontract.postgres.providers import Server, provider_for
from pgcontract.postgres.providers.container.owner import LABEL, Owner
from testcontainers.core.docker_client import DockerClient

Image = Callable[[Recipe], str]

HOLDER = """
import select
import sys
from pgcontract.postgres.providers import provider_for
with provider_for(sys.argv[1]).start() as server:
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], 0.1)[0]:  # a signal right before a read waits for its end
        pass
"""


def ask(server: Server, question: str, *, user: str | None = None) -> tuple[object, ...] | None:
    with psycopg.connect(server.conninfo(dbname="postgres", user=user), autocommit=True) as connection:
        cursor = connection.execute(question)  # type: ignore[arg-type]
        return cursor.fetchone() if cursor.description else None


def of_this_process(docker: DockerClient) -> set[str]:
    """The names of the containers that this process owns, ended or not."""
    owner = Owner.current_process()
    containers = docker.client.api.containers(all=True, filters={"label": LABEL})
    return {
        container["Names"][0].lstrip("/")
        for container in containers
        if Owner.from_label(container["Labels"][LABEL]) == owner
    }


@pytest.fixture(scope="module")
def server(image: Image) -> Iterator[Server]:
    """One server for what changes nothing in it."""
    with provider_for(f"docker:{image(PLAIN)}").start(settings={"timezone": "Asia/Tokyo"}) as started:
        yield started


def test_a_server_is_made_for_our_superuser_and_to_be_thrown_away(server: Server) -> None:
    actual = ask(
        server,
        "SELECT session_user::text, usesuper, current_setting('fsync'), current_setting('timezone'),"
        " current_setting('server_version_num')::int4 FROM pg_user WHERE usename = session_user",
    )

    assert ("supabase_admin", True, "off", "Asia/Tokyo", server.version_num) == actual


def test_the_temporary_server_of_a_first_start_is_never_taken_for_the_one_that_stays(image: Image) -> None:
    with provider_for(f"docker:{image(RASH)}").start() as server:
        actual = ask(server, "SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)")

    assert ("1",) == actual


def test_what_was_committed_durably_is_there_after_a_crash(image: Image) -> None:
    with provider_for(f"docker:{image(PLAIN)}").start(settings={"fsync": "on", "synchronous_commit": "on"}) as server:
        ask(server, "CREATE TABLE kept AS SELECT 1 AS row")
        assert server.crash
        server.crash()
        actual = ask(server, "SELECT row, pg_postmaster_start_time() > now() - interval '1 minute' FROM kept")

    assert (1, True) == actual


def test_another_server_is_apart_and_has_its_own_settings(server: Server) -> None:
    assert server.start_another
    with server.start_another({"fsync": "on"}) as other:
        actual = other.port != server.port, ask(other, "SELECT current_setting('fsync')")

    assert (True, ("on",)) == actual


def test_nobody_enters_without_the_password(server: Server) -> None:
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        ask(replace(server, passwords={}), "SELECT 1")


def test_the_password_is_in_no_command_line_no_log_and_no_repr(docker: DockerClient, server: Server) -> None:
    logs = [docker.client.containers.get(name).logs().decode() for name in of_this_process(docker)]
    processes = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True).stdout
    output = f"{processes}{logs}{server!r}"

    assert [] == [role for role, password in server.passwords.items() if password in output]


def test_nothing_of_a_server_is_left(docker: DockerClient, image: Image) -> None:
    before = of_this_process(docker)
    with provider_for(f"docker:{image(PLAIN)}").start():
        (name,) = of_this_process(docker) - before
        mounts = {mount["Name"] for mount in docker.client.containers.get(name).attrs["Mounts"]}
    volumes = {volume["Name"] for volume in docker.client.api.volumes()["Volumes"] or ()}

    assert (1, before, set()) == (len(mounts), of_this_process(docker), volumes & mounts)


def test_the_next_run_removes_what_a_killed_one_left_and_spares_a_living_one(docker: DockerClient, image: Image) -> None:
    spec = f"docker:{image(PLAIN)}"
    holders = [
        subprocess.Popen([sys.executable, "-c", HOLDER, spec], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    try:
        for holder in holders:
            assert holder.stdout
            assert holder.stdout.readline() == b"ready\n"
        holders[0].send_signal(signal.SIGKILL)
        holders[0].communicate()
        with provider_for(spec).start():
            labels = [container["Labels"][LABEL] for container in docker.client.api.containers(filters={"label": LABEL})]
    finally:
        for holder in holders:
            holder.communicate()
    pids = {json.loads(label)["pid"] for label in labels}

    assert {holders[1].pid} == pids & {holder.pid for holder in holders}
