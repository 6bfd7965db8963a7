"""The command line `faust-redis`."""

from __future__ import annotations

import sys
from typing import NoReturn

import click
from redis.exceptions import RedisError

from faust_redis.cli.dead_letters import dead_letters
from faust_redis.cli.doctor import doctor
from faust_redis.cli.groups import groups
from faust_redis.cli.program import Program, url_target
from faust_redis.cli.tables import tables
from faust_redis.cli.topics import topics
from faust_redis.log.errors import LogError

NAME = "faust-redis"


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name=NAME, prog_name=NAME)
def cli() -> None:
    """Inspect the topics, groups, tables and dead letters of Faust applications on Redis.

    \b
    Example:
      faust-redis topics --url redis://localhost:6379
    """


for make in (topics, groups, tables, dead_letters, doctor):
    cli.add_command(make(Program(NAME, url_target)))


def main() -> NoReturn:
    """Run the command line; print an expected error as one line on standard error, with status 1."""
    try:
        cli(prog_name=NAME)
    except (LogError, RedisError, ValueError) as exc:
        click.echo(f"{NAME}: {exc}", err=True)
    sys.exit(1)
