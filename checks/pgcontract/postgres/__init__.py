"""Servers and what is done to them: providers, connections, roles, ownership, platforms, versions."""
