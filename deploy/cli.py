"""The command line, `astratrade`: gathers the commands of `deploy.commands` and words their errors."""

from __future__ import annotations

import sys
from typing import NoReturn

import click

from deploy.commands.api import api
from deploy.commands.dev import dev
from deploy.commands.doctor import doctor
from deploy.commands.replay import replay
from deploy.commands.reset import reset
from deploy.commands.tables import tables
from deploy.commands.token import token
from deploy.commands.topics import topics
from deploy.commands.worker import worker
from deploy.errors import DeployError
from streams.log import LogError

COMMANDS = (dev, worker, api, replay, topics, tables, token, reset, doctor)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="astratrade-streams", prog_name="astratrade")
def cli() -> None:
    """AstraTrade's event backbone: an ingress, a partitioned log, stream processors, live tables.

    \b
    Start everything and replay the packaged fills:
      astratrade dev --replay sample

    Settings come from ASTRA_* variables, then from astratrade.toml (or the file that ASTRA_CONFIG names).
    """


for command in COMMANDS:
    cli.add_command(command)


def main() -> NoReturn:
    """Run the command line; an error of ours is one message on standard error and status 1."""
    try:
        cli(prog_name="astratrade")
    except (DeployError, LogError) as exc:
        print(f"astratrade: {exc}", file=sys.stderr)  # noqa: T201 - this is where errors are shown
    sys.exit(1)


if __name__ == "__main__":
    main()
