"""What queries, writes and indexes cost, against what is declared.

A rule imports what measures in the function that needs it, so that a run which measures nothing does not load it.
"""
