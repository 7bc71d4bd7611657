"""The head's tables with rows in them, at every size, for whoever measures."""

from pgcontract.load.bench import Bench, Load, bench

__all__ = ["Bench", "Load", "bench"]
