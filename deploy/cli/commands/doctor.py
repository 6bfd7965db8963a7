"""`astratrade doctor`: check an installation."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click
from faust_redis.cli.doctor import print_finding

from deploy.admin.doctor.machine import machine_findings
from deploy.admin.doctor.server import server_findings
from deploy.admin.doctor.wallets import node_finding, origin_finding
from deploy.cli.commands.options import data_dir_option
from deploy.settings import Settings, load


@click.command()
@data_dir_option
def doctor(data_dir: Path | None) -> None:
    """Check this machine, the installation, the broker and the Starknet node. The status is 1 when something fails.

    \b
    Example:
      ASTRA_BROKER_URL=redis://broker:6379 astratrade doctor
    """
    levels = asyncio.run(_print_all(load(data_dir=data_dir)))
    sys.exit(1 if "fail" in levels else 0)


async def _print_all(settings: Settings) -> list[str]:
    findings = list(machine_findings(settings))
    for finding in findings:
        print_finding(finding)
    for finding in (origin_finding(settings), await node_finding(settings.wallet_config)):
        print_finding(finding)
        findings.append(finding)
    async for finding in server_findings(settings):
        print_finding(finding)
        findings.append(finding)
    return [finding.level for finding in findings]
