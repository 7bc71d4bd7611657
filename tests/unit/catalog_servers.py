"""The servers on which what is read and measured is compared: one of each major that is there."""

from __future__ import annotations

import os
from pathlib import Path

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
EACH_MAJOR = ("wheel", *([f"binaries:{DEBIAN_15}"] if DEBIAN_15.is_dir() else []))
# The matrix of majors names one.
CATALOG_SERVERS = (os.environ["PGCONTRACT_PG"],) if "PGCONTRACT_PG" in os.environ else EACH_MAJOR
