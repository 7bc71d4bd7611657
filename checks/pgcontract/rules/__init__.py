"""The checks themselves, one family of promises a file; `registry.checks` finds them here."""
