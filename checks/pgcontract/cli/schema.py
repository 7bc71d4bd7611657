"""`pgcontract schema`: what an owner may write, for an editor to check and complete."""

from __future__ import annotations

import json

import click


@click.command("schema")
@click.argument("file", type=click.Choice(["contract", "claims", "pgcontract"]), default="contract")
def command(file: str) -> int:
    """Print the JSON Schema of contract.toml, claims.toml or pgcontract.toml."""
    from pgcontract.contract import json_schema

    click.echo(json.dumps(json_schema(file), indent=2, ensure_ascii=False))
    return 0
