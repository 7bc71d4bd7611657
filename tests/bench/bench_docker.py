"""What the gate takes on a server in a container, beyond the containers' starts, against the wheel's server.

Two arms take turns in one run: `--pg wheel`, and `--pg docker:IMAGE` with the same programs in an image made here. From
each turn of the second are taken the starts of its containers: as many as the daemon counts, each with the median of
starts that are timed beside the turns. `python tests/bench/bench_docker.py [TURNS]`. Bound: 2 times the wheel's time.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from pgcontract.errors import ServerUnavailable
from pgcontract.postgres.providers import provider_for
from pgcontract.postgres.providers.container.daemon import daemon
from pgcontract.postgres.providers.container.owner import LABEL
from testcontainers.core.docker_client import DockerClient

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "containers"))
from images import PLAIN, ensure_image  # noqa: E402 - from the folder of the tests that make it

BOUND = 2


def gate(spec: str) -> float:
    """Wall seconds of one gate on the shipped chain."""
    command = [sys.executable, "-m", "pgcontract", "verify", "schema", "--pg", spec]
    started = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{spec}: {done.stdout[-2000:]}{done.stderr}")
    return time.perf_counter() - started


def start(spec: str) -> float:
    """Wall seconds from nothing to a server that answers."""
    started = time.perf_counter()
    with provider_for(spec).start():
        return time.perf_counter() - started


def containers_since(client: DockerClient, then: float) -> int:
    """How many of ours the daemon has made since."""
    filters = {"type": "container", "event": "create", "label": LABEL}
    events = client.client.api.events(since=int(then), until=int(time.time()) + 1, filters=filters, decode=True)
    return sum(event["timeNano"] / 1e9 >= then for event in events)


def main(turns: int) -> None:
    try:
        with daemon() as client:
            measure(client, turns)
    except ServerUnavailable as error:
        print(f"not measured: {error}")


def measure(client: DockerClient, turns: int) -> None:
    spec = f"docker:{ensure_image(client.client, PLAIN)}"
    gate("wheel")  # fills the caches of bytecode, data directory and loaded rows
    wheel, docker, starts, containers = [], [], [], []
    for _ in range(turns):
        wheel.append(gate("wheel"))
        then = time.time()
        docker.append(gate(spec))
        containers.append(containers_since(client, then))
        starts.append(start(spec))
    beyond = [whole - number * median(starts) for whole, number in zip(docker, containers, strict=True)]
    ratio = median(after / before for after, before in zip(beyond, wheel, strict=True))
    print(f"medians of {turns} turns on {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"{'wheel':<34} {median(wheel):8.2f} s")
    print(f"{'docker':<34} {median(docker):8.2f} s")
    print(f"{'its containers':<34} {median(containers):8.0f}   each {median(starts):.2f} s to its first answer")
    print(f"{'docker beyond their starts':<34} {median(beyond):8.2f} s")
    print(f"{'over the wheel':<34} {ratio:8.2f}   bound {BOUND}: {ratio / BOUND:.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
