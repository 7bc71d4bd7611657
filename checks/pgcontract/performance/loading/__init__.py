"""The head's tables with rows in them, at every size, for whoever measures."""

from pgcontract.performance.loading.load_progress import watched_by
from pgcontract.performance.loading.loaded_server import Bench, bench
from pgcontract.performance.loading.preparation import Load
from pgcontract.performance.loading.sizes import read_rows, sizes_of

__all__ = ["Bench", "Load", "bench", "read_rows", "sizes_of", "watched_by"]
