"""What queries, writes and indexes cost, against what is declared."""
