"""A contract to begin with, from what a migration does."""
