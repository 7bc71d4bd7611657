"""Privileges, and what error messages disclose."""
