"""`astratrade topology`: print the declared domains, topics and tables."""

from __future__ import annotations

import json
from importlib.metadata import version

import click

from deploy.settings import load
from streams.asyncapi import asyncapi
from streams.diagrams import mermaid, text
from streams.events import CATALOGUE
from tables.domains import TOPOLOGY

FORMATS = ("text", "mermaid", "asyncapi")
DISTRIBUTION = "astratrade-streams"


@click.command()
@click.option("--format", "shape", type=click.Choice(FORMATS), default="text", show_default=True, help="What to print.")
def topology(shape: str) -> None:
    """Print the topology: each domain's group, topics, commands and tables. Needs no broker.

    \b
    Examples:
      astratrade topology
      astratrade topology --format mermaid
      astratrade topology --format asyncapi > asyncapi.json
    """
    app_id = load().app_id
    if shape == "text":
        click.echo(text(TOPOLOGY, app_id))
    elif shape == "mermaid":
        click.echo(mermaid(TOPOLOGY))
    else:
        models = tuple(CATALOGUE.values())
        document = asyncapi(TOPOLOGY, models, title="AstraTrade Streams", version=version(DISTRIBUTION), app_id=app_id)
        click.echo(json.dumps(document, indent=2))
