"""Pure values: what a database consists of, how two of them compare, and what SQL text says."""
