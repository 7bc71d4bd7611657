"""What queries and writes cost on loaded tables: plans, buffers, WAL and times, as values that hold every figure."""
