"""Servers and what is done to them: providers, connections, roles, ownership, the platform's stage, versions."""
