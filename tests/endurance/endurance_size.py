"""How many kills and gates: `nox -s endurance` asks for more than every change must pass."""

from __future__ import annotations

import os

KILLS = int(os.environ.get("ENDURANCE_KILLS", "3"))
AT_LENGTH = KILLS > 5
GATES = int(os.environ.get("ENDURANCE_GATES", "4"))
