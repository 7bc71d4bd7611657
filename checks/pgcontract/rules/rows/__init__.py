"""What a pending migration does to rows that are there: whether they stop it, and which it loses."""
