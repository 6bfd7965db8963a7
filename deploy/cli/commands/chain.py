"""`astratrade chain`: deploy the contracts, show what they hold, and check them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from deploy.cli.commands.options import ask_log, data_dir_option
from deploy.errors import DeployError
from deploy.settings import load

if TYPE_CHECKING:
    from faust_redis.log import Log

    from contracts.account.signer import KeystoreSigner
    from contracts.deployment.plan import Plan
    from deploy.chain import Confirm
    from deploy.settings import Settings

F = TypeVar("F", bound=Callable[..., object])
Work = Callable[["Settings", "Plan", "KeystoreSigner", "Confirm"], AsyncIterator[str]]

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def chain() -> None:
    """Deploy the contracts, show what they hold, and check them.

    \b
    Examples:
      astratrade chain status
      astratrade chain verify
    """


def _sends(command: F) -> F:
    """Add the options of commands that send transactions."""
    options = (
        click.option("--plan", "plan_file", type=FILE, required=True, help="The plan, a TOML file (docs/chain.md)."),
        click.option("--keystore", type=FILE, required=True, help="The encrypted key of the account that sends."),
        click.option("--yes", is_flag=True, help="Do not ask."),
        data_dir_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


@chain.command()
@_sends
def deploy(*, plan_file: Path, keystore: Path, yes: bool, data_dir: Path | None) -> None:
    """Deploy the contracts of a plan as its deployer. Show the steps first; what is there already is not repeated.

    The password of the keystore is asked for, or read from ASTRA_SETTLEMENT_PASSWORD_FILE.

    \b
    Example:
      astratrade chain deploy --plan plan.toml --keystore deployer.json
    """
    from deploy.chain import deploy_contracts  # noqa: PLC0415 - the hashes of Starknet take a moment to import

    _send(deploy_contracts, plan_file, keystore, yes=yes, data_dir=data_dir)


@chain.command()
@_sends
def accept(*, plan_file: Path, keystore: Path, yes: bool, data_dir: Path | None) -> None:
    """Accept the ownership of the contracts of a plan, as its owner. A multisig accepts with its own program.

    \b
    Example:
      astratrade chain accept --plan plan.toml --keystore owner.json
    """
    from deploy.chain import accept_ownership  # noqa: PLC0415

    _send(accept_ownership, plan_file, keystore, yes=yes, data_dir=data_dir)


def _send(work: Work, plan_file: Path, keystore: Path, *, yes: bool, data_dir: Path | None) -> None:
    settings = load(data_dir=data_dir)
    from contracts.account.signer import KeystoreSigner  # noqa: PLC0415
    from deploy.chain import read_plan  # noqa: PLC0415

    plan = read_plan(plan_file)
    secret = settings.settlement_password
    password = (
        click.prompt("Password of the keystore", hide_input=True) if secret is None else secret.get_secret_value()
    )
    signer = KeystoreSigner.open(keystore, password)

    async def run() -> None:
        async for line in work(settings, plan, signer, _confirm(settings, yes=yes)):
            click.echo(line)

    asyncio.run(run())


def _confirm(settings: Settings, *, yes: bool) -> Confirm:
    def confirm(steps: list[str]) -> bool:
        click.echo("\n".join(f"{i}. {text}" for i, text in enumerate(steps, 1)))
        return yes or click.confirm(f"Do this with {settings.starknet_chain_id}?")

    return confirm


@chain.command()
@data_dir_option
def status(data_dir: Path | None) -> None:
    """Show batches, balances, what is due and held, pauses and announced changes, as of the newest block.

    \b
    Example:
      astratrade chain status
    """
    settings = load(data_dir=data_dir)
    from deploy import chain_status  # noqa: PLC0415

    async def read(log: Log) -> list[str]:
        return await chain_status.status(settings, log)

    click.echo("\n".join(ask_log(settings, read)))


@chain.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_dir_option
def adopt(*, yes: bool, data_dir: Path | None) -> None:
    """Take over batches of the contract that the log lacks since it was restored (docs/runbooks/settlement-stopped.md).

    What they have paid leaves the open fees of each source; a source may owe, and its next fees pay that first.

    \b
    Example:
      astratrade chain adopt
    """
    settings = load(data_dir=data_dir)
    from deploy.chain_adoption import adopt as take_over  # noqa: PLC0415

    async def run(log: Log) -> None:
        async for line in take_over(settings, log, _confirm(settings, yes=yes)):
            click.echo(line)

    ask_log(settings, run)


@chain.command()
@click.option("--plan", "plan_file", type=FILE, help="Check every contract of this plan, too.")
@data_dir_option
def verify(plan_file: Path | None, data_dir: Path | None) -> None:
    """Check that the contracts have this release's code, belong together, and let the account settle.

    With a plan, check owners, roles, shares and announced changes, too. The status is 1 when something does not hold.

    \b
    Examples:
      astratrade chain verify
      astratrade chain verify --plan plan.toml
    """
    settings = load(data_dir=data_dir)
    from deploy import chain as asked  # noqa: PLC0415

    plan = None if plan_file is None else asked.read_plan(plan_file)
    checks = asyncio.run(asked.verified(settings, plan))
    click.echo("\n".join(asked.lines_of(checks)))
    if any(check.fault for check in checks):
        raise DeployError("the contracts are not as they should be")


@chain.command()
@click.option(
    "--keystore", type=click.Path(dir_okay=False, path_type=Path), help="Write the settling account's key to this file."
)
@click.option(
    "--sink-keystore", type=click.Path(dir_okay=False, path_type=Path), help="Likewise, of the sink's account."
)
@data_dir_option
def devnet(keystore: Path | None, sink_keystore: Path | None, data_dir: Path | None) -> None:
    """Put a token for tests and the contracts on a devnet, and print the settings that follow.

    What is there already is not repeated. The node must be a starknet-devnet, whose keys anybody may know. The
    keystores are encrypted with the password of ASTRA_SETTLEMENT_PASSWORD_FILE.

    \b
    Example:
      ASTRA_STARKNET_NODE_URL=http://127.0.0.1:5050/rpc ASTRA_STARKNET_CHAIN_ID=SN_SEPOLIA astratrade chain devnet
    """
    settings = load(data_dir=data_dir)
    asyncio.run(_devnet(settings, keystore, sink_keystore))


async def _devnet(settings: Settings, keystore: Path | None, sink_keystore: Path | None) -> None:
    from deploy.devnet import SERVICE, SETTLER, set_up, write_keystore  # noqa: PLC0415

    for path, number in ((keystore, SETTLER), (sink_keystore, SERVICE)):
        if path is not None:
            await write_keystore(settings, path, number)
    async for line in set_up(settings):
        click.echo(line)
