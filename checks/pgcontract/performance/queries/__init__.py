"""The declared queries: their samples, plans and control arms, what defeats an index and what would serve instead."""
