"""The pytest door: `pytest schema` collects every contract.toml of a project."""
