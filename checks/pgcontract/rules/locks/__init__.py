"""Checks of what a deploy does to tables that are in use: locks, and the work that is done while they are held."""
