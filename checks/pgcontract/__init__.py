"""pgcontract: a migration's promises, declared, checked against a real PostgreSQL, reported with evidence."""
