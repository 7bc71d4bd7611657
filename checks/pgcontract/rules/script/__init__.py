"""The life of the migration's files: applied, run again, interrupted, rolled back."""
