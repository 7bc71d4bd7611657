"""The published validator of SARIF on what pgcontract writes: `nox -s sarif` installs it, for it has 100 MB."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from pgcontract.reporting.json import from_json
from pgcontract.reporting.sarif import render

GOLDEN = Path(__file__).parent / "golden"
sys.path.insert(0, str(GOLDEN))

from runs import RUNS  # noqa: E402 - a folder of the tests, not a package

# That a tool should have a web page is the only advice that is not followed.
FOLLOWED_NOT = {"SARIF2005"}


def main(folder: Path) -> int:
    """0 where the validator has nothing to say of any of the files, which it leaves in the folder."""
    shipped = from_json((GOLDEN / "shipped.run.json").read_text(encoding="utf-8"))
    wrong = 0
    for name, run in {**RUNS, "shipped": shipped}.items():
        file, said = folder / f"{name}.sarif", folder / f"{name}.said.json"
        file.write_text(render(run), encoding="utf-8")
        validator = folder / "node_modules/.bin/sarif-multitool"
        command = (validator, "validate", file, "--output", said, "--log", "ForceOverwrite")
        subprocess.run(command, check=False, capture_output=True)
        results = json.loads(said.read_text(encoding="utf-8"))["runs"][0]["results"]
        told = [result for result in results if result["ruleId"] not in FOLLOWED_NOT]
        print(f"{name}: {len(told)} complaints", *map(json.dumps, told), sep="\n  ")
        wrong += len(told)
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
