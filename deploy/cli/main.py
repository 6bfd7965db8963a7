"""The command line `astratrade`: find the commands in `deploy.cli.commands` and print their errors."""

from __future__ import annotations

import importlib
import sys
from typing import NoReturn, cast

import click
from faust_redis.archive import StorageError
from faust_redis.log import LogError
from redis.exceptions import RedisError

from api.identity.errors import IdentityError
from api.identity.store.errors import StoreError
from contracts.account.errors import SignerError
from contracts.indexer.errors import IndexerError
from contracts.settlement.errors import SettlementError
from contracts.sink.errors import SinkError
from deploy.errors import DeployError
from deploy.run import logs
from deploy.run.gc_tuning import collect_less_often
from streams.connect.kafka.errors import BridgeError
from streams.connect.outbox.errors import OutboxError

EXPECTED = (
    DeployError, LogError, BridgeError, OutboxError, IndexerError, SettlementError, SinkError, SignerError, StoreError,
    IdentityError, StorageError, RedisError,
)  # fmt: skip
COMMANDS = (
    "dev", "worker", "api", "relay", "clock", "webhooks", "indexer", "settlement", "sink", "archive", "chain", "bridge",
    "replay", "boards", "topology", "rulebook", "acl", "sbom", "top", "topics", "partitions", "groups", "tables",
    "dead-letters", "trace", "why", "history", "database", "accounts", "audit", "keys", "token", "reset", "doctor",
    "upgrade", "bench",
)  # fmt: skip


class Commands(click.Group):
    """A command group that imports command `x` from `deploy.cli.commands.x` when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order of their use."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of this name, or None."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = cmd_name.replace("-", "_")
        return cast("click.Command", getattr(importlib.import_module(f"deploy.cli.commands.{module}"), module))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="astratrade-streams", prog_name="astratrade")
def cli() -> None:
    """AstraTrade's event backbone: an ingress, a partitioned log, stream processors, live tables.

    \b
    Start everything and replay the packaged fills:
      astratrade dev --replay sample

    Settings come from ASTRA_* variables, then from astratrade.toml (or the file that ASTRA_CONFIG names).
    """


def main() -> NoReturn:
    """Run the command line. Report an expected error in one message on standard error, with status 1."""
    collect_less_often()
    try:
        cli(prog_name="astratrade")
    except EXPECTED as exc:
        logs.say_failed(exc)
    sys.exit(1)


if __name__ == "__main__":
    main()
