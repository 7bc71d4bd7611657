"""The whole gate, unchanged, on a server in a container; of what an image of Supabase has made, use is made."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from images import PLAIN, SUPABASE, Recipe

ROOT = Path(__file__).parents[2]


def verify(file: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """The exit code of the gate on the shipped chain, and its Run."""
    command = [sys.executable, "-m", "pgcontract", "verify", "schema", "--json", str(file), *options]
    clean = {name: value for name, value in os.environ.items() if name != "PGCONTRACT_PG"}
    done = subprocess.run(command, cwd=ROOT, env=clean, capture_output=True, text=True, check=False)
    assert file.exists(), done.stderr
    return done.returncode, json.loads(file.read_text(encoding="utf-8"))


def unanswered(run: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Every finding that says nothing, with its words."""
    return [
        (finding["check"], finding["subject"], finding["summary"])
        for finding in run["findings"]
        if finding["status"] in ("unknown", "error")
    ]


def test_the_whole_gate_is_answered_in_a_container_as_it_is_elsewhere(
    tmp_path: Path, image: Callable[[Recipe], str]
) -> None:
    spec = f"docker:{image(PLAIN)}"
    code, run = verify(tmp_path / "run.json", "--pg", spec)

    expected = 0, "CAUTION", spec, []
    assert expected == (code, run["verdict"]["decision"], run["server"]["provider"], unanswered(run))


def test_what_an_image_of_supabase_has_is_used_and_told(tmp_path: Path, image: Callable[[Recipe], str]) -> None:
    selection = ("--only", "access.*", "--only", "object.owner", "--only", "script.*")
    code, run = verify(tmp_path / "run.json", "--pg", f"docker:{image(SUPABASE)}", *selection)

    expected = 0, "found anon, authenticated, service_role, authenticator, postgres", []
    assert expected == (code, run["server"]["roles"], unanswered(run))
