"""`astratrade audit`: read and verify the audit log, and check ledger and chain."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deploy.cli.commands.options import ask_log, data_dir_option
from deploy.errors import DeployError
from deploy.settings import load
from streams.times import Instant

if TYPE_CHECKING:
    from faust_redis.log import Log

    from api.identity.audit import AuditCheckpoint, Entry
    from api.identity.store.database import IdentityStore
    from contracts.settlement.audit import Audited
    from deploy.settings import Settings

LAST_DEFAULT = 20


@click.group(invoke_without_command=True)
@data_dir_option
@click.pass_context
def audit(context: click.Context, data_dir: Path | None) -> None:
    """Read and verify the audit log: who did what to whom. Check the ledger, and what was settled on Starknet.

    Without a command, check all three; Starknet only where contracts are configured. The status is 1 when one does not
    hold.

    \b
    Examples:
      astratrade audit
      astratrade audit verify
      astratrade audit ledger
      astratrade audit chain
    """
    if context.invoked_subcommand is not None:
        return
    settings = load(data_dir=data_dir)
    checks: list[Callable[[], None]] = [lambda: _ledger(settings)]
    if settings.starknet_node_url is not None and settings.indexer_contracts:
        checks.append(lambda: _chain(settings))
    checks.append(lambda: _verify(settings, None))
    from faust_redis.log import LogError  # noqa: PLC0415

    from contracts.settlement.errors import SettlementError  # noqa: PLC0415

    faults = []
    for check in checks:
        try:
            check()
        except (DeployError, LogError, SettlementError) as exc:
            faults.append(str(exc))
    if faults:
        raise DeployError("\n".join(faults))


@audit.command()
@click.option(
    "--noted",
    metavar="NUMBER:DIGEST",
    help="What an earlier `verify` printed, kept outside of the database: this entry must still be in the log.",
)
@data_dir_option
def verify(noted: str | None, data_dir: Path | None) -> None:
    """Check that no entry was changed, removed or inserted. Print the last entry, to note it elsewhere.

    The status is 1 when the log is broken; the message names the first broken entry.

    \b
    Example:
      astratrade audit verify
    """
    _verify(load(data_dir=data_dir), noted)


def _verify(settings: Settings, noted: str | None) -> None:
    from api.identity import audit as log  # noqa: PLC0415 - SQLAlchemy takes a moment to import
    from deploy.admin.database import on_store  # noqa: PLC0415

    expected = None if noted is None else _parsed(noted)

    async def check(store: IdentityStore) -> AuditCheckpoint:
        async with store.read() as connection:
            return await log.verify(connection, expected)

    try:
        last = on_store(settings, check)
    except log.BrokenChainError as exc:
        raise DeployError(f"the audit log is not as it was written: {exc}") from exc
    click.echo(
        "the log is empty" if not last.number else f"{last.number} entries, none changed; the last one is {last}"
    )


@audit.command("list")
@click.option("--subject", metavar="ID", help="Only entries about this account or key.")
@click.option("--actor", metavar="ID", help="Only what this account did; `operator:root` is a command of root.")
@click.option(
    "--last", type=click.IntRange(1, 10_000), default=LAST_DEFAULT, show_default=True, help="At most so many."
)
@data_dir_option
def list_entries(subject: str | None, actor: str | None, last: int, data_dir: Path | None) -> None:
    """List the newest entries, the oldest of them first.

    \b
    Examples:
      astratrade audit list --last 50
      astratrade audit list --subject trader-1
    """
    settings = load(data_dir=data_dir)
    from api.identity import audit as log  # noqa: PLC0415
    from deploy.admin.database import on_store  # noqa: PLC0415

    async def read(store: IdentityStore) -> list[Entry]:
        async with store.read() as connection:
            return await log.entries(connection, last=last, subject=subject, actor=actor)

    for entry in on_store(settings, read):
        click.echo(
            f"{entry.number:>6}  {Instant(entry.time_us).text():<27}  {entry.actor}  {entry.action}  {entry.subject}  "
            f"{json.dumps(entry.detail, ensure_ascii=False)}"
        )


@audit.command()
@data_dir_option
def ledger(data_dir: Path | None) -> None:
    """Recompute what must hold of all money, from all rows at one moment. Print the accounts by kind and asset.

    The status is 1 when something does not hold; the message names the partition, the account and the difference.

    \b
    Example:
      astratrade audit ledger
    """
    _ledger(load(data_dir=data_dir))


def _ledger(settings: Settings) -> None:
    from deploy.financial_audit import Audited as AuditedLedger  # noqa: PLC0415
    from deploy.financial_audit import audited  # noqa: PLC0415
    from tables.reader import TableReader  # noqa: PLC0415

    async def read(log: Log) -> AuditedLedger:
        return await audited(TableReader(log, settings.app_id))

    found = ask_log(settings, read)
    click.echo("\n".join(found.lines()))
    if found.breaches:
        raise DeployError("the ledger does not hold:\n" + "\n".join(found.breaches))


@audit.command()
@data_dir_option
def chain(data_dir: Path | None) -> None:
    """Compare fees from the ledger to the chain: accrued = swept + held, and swept = distributed + held, to the unit.

    The contracts are read at the indexer's last block. The status is 1 when something differs; the message says what.

    \b
    Example:
      astratrade audit chain
    """
    _chain(load(data_dir=data_dir))


def _chain(settings: Settings) -> None:
    from deploy.fee_settlement import audit_chain  # noqa: PLC0415 - the hashes of Starknet take a moment to import

    async def read(log: Log) -> Audited:
        return await audit_chain(settings, log)

    found = ask_log(settings, read)
    click.echo("\n".join(found.lines()))
    if found.differences:
        raise DeployError("ledger, log and chain differ:\n" + "\n".join(map(str, found.differences)))


def _parsed(noted: str) -> AuditCheckpoint:
    from api.identity.audit import AuditCheckpoint  # noqa: PLC0415

    try:
        return AuditCheckpoint.parse(noted)
    except ValueError as exc:
        raise DeployError(f"--noted {noted[:80]!r} is not a number, a colon and 64 hexadecimal digits") from exc
