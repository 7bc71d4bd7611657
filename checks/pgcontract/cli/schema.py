"""`pgcontract schema`: what an owner may write and what run.json holds, for an editor or a program to check."""

from __future__ import annotations

import json

import click

RUN = "run"


@click.command("schema")
@click.argument("file", type=click.Choice(["contract", "claims", "pgcontract", RUN]), default="contract")
def command(file: str) -> int:
    """Print the JSON Schema of contract.toml, claims.toml, pgcontract.toml or run.json."""
    if file == RUN:
        from pgcontract.reporting.json import run_json_schema

        schema = run_json_schema()
    else:
        from pgcontract.contract import json_schema

        schema = json_schema(file)
    click.echo(json.dumps(schema, indent=2, ensure_ascii=False))
    return 0
