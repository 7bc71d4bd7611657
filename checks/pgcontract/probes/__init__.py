"""Ways of asking a server: one migration's context, rows, boundary values, fuzzing, scenarios, failure injection."""
