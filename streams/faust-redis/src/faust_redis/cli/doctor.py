"""`doctor`: check the settings of the broker and the consistency of the log."""

from __future__ import annotations

import sys

import click

from faust_redis.admin.doctor import Finding, broker_findings
from faust_redis.cli.program import Ask, Program
from faust_redis.log.client import Log

DOCTOR = """Check the broker and the log on it. The exit status is 1 when a check fails.

\b
Example:
  PROGRAM doctor
"""
COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


def doctor(program: Program) -> click.Command:
    """Make the command for a program."""

    @click.command("doctor", help=program.help(DOCTOR))
    @program.target
    def command(*, ask: Ask) -> None:
        findings = ask(_findings)
        for finding in findings:
            print_finding(finding)
        sys.exit(1 if any(finding.level == "fail" for finding in findings) else 0)

    return command


def print_finding(finding: Finding) -> None:
    """Print a finding and its remedy."""
    click.echo(f"{click.style(f'{finding.level:<4}', COLOURS[finding.level])} {finding.name:<16} {finding.found}")
    if finding.remedy:
        click.echo(f"{'':<22}-> {finding.remedy}")


async def _findings(log: Log) -> list[Finding]:
    return [finding async for finding in broker_findings(log)]
