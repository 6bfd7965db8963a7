"""`astratrade chain`: deploy the fee contracts, show what they hold, and check them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deploy.cli.commands.options import data_dir_option
from deploy.errors import DeployError
from deploy.settings import load
from streams.units import PPM

if TYPE_CHECKING:
    from contracts.account.signer import KeystoreSigner
    from contracts.deployment import Terms
    from deploy.settings import Settings


class Address(click.ParamType):
    """An address of Starknet."""

    name = "0x…"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number of an address."""
        from contracts.indexer.addresses import contracts_of  # noqa: PLC0415

        try:
            return int(contracts_of(f"FeeCollector:{value}")[0].address, 16)
        except ValueError as exc:
            self.fail(str(exc), param, ctx)


class Share(click.ParamType):
    """A beneficiary's address and its share in parts per million."""

    name = "0x…:PPM"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Return address and parts per million."""
        address, _, ppm = str(value).partition(":")
        if not ppm.isdecimal() or not 0 < int(ppm) <= PPM:
            self.fail("expected an address, a colon and 1 to 1000000", param, ctx)
        return Address().convert(address, param, ctx), int(ppm)


@click.group()
def chain() -> None:
    """Deploy the contracts that take fees, show what they hold, and check them.

    \b
    Examples:
      astratrade chain status
      astratrade chain verify
    """


@chain.command()
@click.option("--account", type=Address(), required=True, help="The account that pays for the deployment.")
@click.option(
    "--keystore", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True, help="Its key."
)
@click.option("--owner", type=Address(), required=True, help="Owns both contracts; can be a multisig.")
@click.option("--pauser", type=Address(), required=True, help="May pause them.")
@click.option(
    "--settler", type=Address(), required=True, help="Settles batches: the account of `astratrade settlement`."
)
@click.option("--token", type=Address(), required=True, help="The settlement token, a USD token with 6 decimals.")
@click.option(
    "--share", "shares", type=Share(), multiple=True, required=True, help="A beneficiary; the first is the treasury."
)
@click.option("--salt", type=click.IntRange(1), default=1, show_default=True, help="Another one gives other addresses.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_dir_option
def deploy(
    *,
    account: int,
    keystore: Path,
    owner: int,
    pauser: int,
    settler: int,
    token: int,
    shares: tuple[tuple[int, int], ...],
    salt: int,
    yes: bool,
    data_dir: Path | None,
) -> None:
    """Deploy splitter and collector. Show the plan first; what is there already is not repeated.

    The password of the keystore is asked for, or read from ASTRA_SETTLEMENT_PASSWORD_FILE.

    \b
    Example:
      astratrade chain deploy --account 0x64b… --keystore deployer.json --owner 0x31a… --pauser 0x5c2… \\
        --settler 0x78a… --token 0x53c… --share 0x11d…:600000 --share 0x2e9…:250000 --share 0x3f4…:150000
    """
    settings = load(data_dir=data_dir)
    from contracts.account.signer import KeystoreSigner  # noqa: PLC0415
    from contracts.deployment import Terms  # noqa: PLC0415 - the hashes of Starknet take a moment to import

    secret = settings.settlement_password
    password = (
        click.prompt("Password of the keystore", hide_input=True) if secret is None else secret.get_secret_value()
    )
    signer = KeystoreSigner.open(keystore, password)
    terms = Terms(owner, pauser, settler, token, shares, salt)
    asyncio.run(_deploy(settings, terms, (account, signer), yes=yes))


async def _deploy(settings: Settings, terms: Terms, account: tuple[int, KeystoreSigner], *, yes: bool) -> None:
    from deploy.chain import deploy_contracts  # noqa: PLC0415

    def confirm(plan: list[str]) -> bool:
        click.echo("\n".join(f"{i}. {text}" for i, text in enumerate(plan, 1)))
        return yes or click.confirm(f"Do this on {settings.starknet_chain_id}?")

    async for line in deploy_contracts(settings, terms, account, confirm):
        click.echo(line)


@chain.command()
@data_dir_option
def status(data_dir: Path | None) -> None:
    """Show what the contracts of ASTRA_INDEXER_CONTRACTS hold, as of the newest block.

    \b
    Example:
      astratrade chain status
    """
    settings = load(data_dir=data_dir)
    from deploy import chain as asked  # noqa: PLC0415

    click.echo("\n".join(asyncio.run(asked.status(settings))))


@chain.command()
@data_dir_option
def verify(data_dir: Path | None) -> None:
    """Check that the contracts have this release's classes, belong together, and let the account settle.

    The status is 1 when something does not hold.

    \b
    Example:
      astratrade chain verify
    """
    settings = load(data_dir=data_dir)
    from deploy import chain as asked  # noqa: PLC0415

    checks = asyncio.run(asked.verified(settings))
    click.echo("\n".join(asked.lines_of(checks)))
    if any(check.fault for check in checks):
        raise DeployError("the contracts are not as they should be")
