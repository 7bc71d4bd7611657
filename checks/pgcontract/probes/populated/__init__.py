"""One database with rows that is carried along the chain, and each pending migration run over it.

`Population` makes rows when a table appears. `run_over_rows` runs a migration over them; where rows stop it, `stops`
finds the fewest that do, by running it again without the others, and what is left goes on along the chain.
"""
