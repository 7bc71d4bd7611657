"""What is drawn for a seed is drawn for it everywhere, whatever else is loaded beside pgcontract."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

DRAW = """
from pgcontract.probes.fuzzing.hypothesis_draws import draw_values
from pgcontract.formats import standard
for name in ("email", "not_blank"):
    print(ascii(draw_values(standard(name), seed="7", budget=400)))
"""
# Hypothesis reads strings and numbers out of the source of modules that lie outside site-packages.
STRANGER = "\n".join(f'WORD_{number} = "own {number}"' for number in range(300))


def drawn(folder: Path, program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def test_values_of_a_seed_do_not_depend_on_the_modules_that_are_loaded(tmp_path: Path) -> None:
    (tmp_path / "stranger.py").write_text(STRANGER, encoding="utf-8")

    assert drawn(tmp_path, DRAW) == drawn(tmp_path, f"import stranger\n{DRAW}")
