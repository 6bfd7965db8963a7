"""`astratrade doctor`: is this installation sound?"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click
from rich.console import Console

from deploy.admin.doctor.finding import Finding
from deploy.admin.doctor.machine import machine_findings
from deploy.admin.doctor.server import server_findings
from deploy.cli.commands.options import data_dir_option
from deploy.settings import Settings, load

COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command()
@data_dir_option
def doctor(data_dir: Path | None) -> None:
    """Check this machine, the installation and the broker. The status is 1 when something fails.

    \b
    Example:
      ASTRA_BROKER_URL=redis://broker:6379 astratrade doctor
    """
    levels = asyncio.run(_print_all(load(data_dir=data_dir)))
    sys.exit(1 if "fail" in levels else 0)


async def _print_all(settings: Settings) -> list[str]:
    console = Console(soft_wrap=True, highlight=False)
    findings = list(machine_findings(settings))
    for finding in findings:
        _print(console, finding)
    async for finding in server_findings(settings):
        _print(console, finding)
        findings.append(finding)
    return [finding.level for finding in findings]


def _print(console: Console, finding: Finding) -> None:
    console.print(f"[{COLOURS[finding.level]}]{finding.level:<4}[/] {finding.name:<16}", end=" ")
    console.print(finding.found, markup=False)
    if finding.remedy:
        console.print(f"{'':<22}-> {finding.remedy}", markup=False)
