"""Values that a table accepts, derived from its types, constraints and references, as SQL over a number of the row."""
