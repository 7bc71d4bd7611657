"""The migration's files: applied, run again, interrupted, rolled back."""
