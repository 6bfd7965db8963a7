"""`astratrade rulebook`: the rule book in force."""

from __future__ import annotations

import click

from deploy.rulebook import load_rulebook, rulebook_text
from deploy.settings import load


@click.command()
def rulebook() -> None:
    """Check the rule book that ASTRA_RULEBOOK names, or the packaged one, and print it. Needs no broker.

    \b
    Example: start a rule book of your own from the packaged one
      astratrade rulebook > rules-2.toml
    """
    settings = load()
    load_rulebook(settings)
    click.echo(rulebook_text(settings), nl=False)
