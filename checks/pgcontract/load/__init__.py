"""The head's tables with rows in them, at every size, for whoever measures."""

from pgcontract.load.bench import Bench, bench, sizes_of
from pgcontract.load.prepare import Load

__all__ = ["Bench", "Load", "bench", "sizes_of"]
