"""`astratrade sbom`: print the installed packages, and their licences."""

from __future__ import annotations

import json
import sys
from email.message import Message
from typing import cast

import click

from deploy.licences import UNSTATED_ACCEPTED, accepted, licence_of
from deploy.sbom import bill_of_materials, needed


@click.command()
@click.option("--licences", is_flag=True, help="Print a line for each package: name, version, licence.")
def sbom(licences: bool) -> None:
    """Print the bill of materials of this installation (CycloneDX 1.6, JSON). Needs no broker.

    With --licences the status is 1 when a licence is not accepted.

    \b
    Examples:
      astratrade sbom > sbom.json
      astratrade sbom --licences
    """
    if not licences:
        click.echo(json.dumps(bill_of_materials(), indent=2))
        return
    good = True
    for name, (installed, _) in sorted(needed().items()):
        licence = licence_of(cast("Message", installed.metadata))
        fits = accepted(licence) or (not licence and name in UNSTATED_ACCEPTED)
        good = good and fits
        click.echo(f"{name} {installed.version}  {licence or 'states no licence'}{'' if fits else '  NOT ACCEPTED'}")
    sys.exit(0 if good else 1)
