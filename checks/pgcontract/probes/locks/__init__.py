"""What a migration's statements lock, for how long, and what they do to tables that hold rows meanwhile."""
