"""The head's tables with rows in them, at every size, for whoever measures."""

from pgcontract.load.bench import Bench, bench
from pgcontract.load.prepare import Load
from pgcontract.load.progress import watched_by
from pgcontract.load.sizes import read_rows, sizes_of

__all__ = ["Bench", "Load", "bench", "read_rows", "sizes_of", "watched_by"]
