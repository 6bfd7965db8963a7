"""`python -m tests.backup_drill`: back up, kill everything, restore; print what was lost and how long it took."""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import click

from tests.backup_drill.databases import Database, Postgresql, Sqlite
from tests.backup_drill.run import Drill, Outcome
from tests.outbox.postgres import Postgres

HEAD: Final = (
    "| restored | ready after | accounts lost | fills lost | oldest loss before the kill |\n|---|---|---|---|---|"
)


@click.command(context_settings={"show_default": True})
@click.option(
    "--database", type=click.Choice(["sqlite", "postgresql"]), default="sqlite", help="The accounts' database."
)
@click.option("--accounts", type=click.IntRange(1), default=20, help="Accounts that each half of the load registers.")
def main(*, database: str, accounts: int) -> None:
    """Restore each pair of backups into a fresh installation. The status is 1 when something does not count once."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="drill-")))
        kind: Database = Postgresql(stack.enter_context(Postgres())) if database == "postgresql" else Sqlite()
        outcomes = Drill(directory, kind, accounts, click.echo).run()
    click.echo("\n".join([HEAD, *map(_row, outcomes)]))
    for outcome in outcomes:
        click.echo("\n".join(f"{outcome.restore.name}: {failure}" for failure in outcome.failures), nl=False)
    sys.exit(1 if any(outcome.failures for outcome in outcomes) else 0)


def _row(one: Outcome) -> str:
    if one.restored_s is None:
        return f"| {one.restore.name} | refused: {one.refused} | | | |"
    return (
        f"| {one.restore.name} | {one.restored_s:.1f} s | {one.accounts_lost} | {one.fills_lost} | {one.lost_s:.1f} s |"
    )


if __name__ == "__main__":
    main()
