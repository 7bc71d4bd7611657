"""The catalog after a migration, compared with the contract."""
