"""`astratrade archive`: run the archiver, look at the archive, compare it, give up a file."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import click
from faust_redis.cli.text import columns
from faust_redis.log import Log, LogError

from deploy.cli.commands.options import ask_log, data_dir_option
from deploy.errors import DeployError
from deploy.run import logs
from deploy.settings import Settings, load


@click.group(invoke_without_command=True)
@data_dir_option
@click.pass_context
def archive(context: click.Context, data_dir: Path | None) -> None:
    """Move records of the log to the archive, which `ASTRA_ARCHIVE` names, until a signal.

    Needed once an installation with an archive; `dev` runs it. A second one waits, and takes over when the first one
    ends.

    \b
    Examples:
      ASTRA_ARCHIVE=s3://bucket/astratrade astratrade archive
      astratrade archive status
      astratrade archive verify
    """
    if context.invoked_subcommand is not None:
        return
    from deploy.run.archive import run_archive  # noqa: PLC0415 - pyarrow takes a moment to import

    settings = load(data_dir=data_dir)
    logs.configure(settings, "archive")
    run_archive(settings)


@archive.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@data_dir_option
def status(*, as_json: bool, data_dir: Path | None) -> None:
    """Show which offsets of each topic are archived, in how many files and bytes, and how many records wait.

    \b
    Example:
      astratrade archive status
    """
    settings = load(data_dir=data_dir)
    rows = ask_log(settings, lambda log: _status(settings, log))
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    head = ("topic", "partition", "from", "to", "waiting", "files", "bytes")
    click.echo("\n".join(columns(head, [tuple(row.values()) for row in rows])))


@archive.command()
@data_dir_option
def verify(data_dir: Path | None) -> None:
    """Read all files and compare them with their manifests: digests, gaps, and whether the log continues each archive.

    Print a line for each fault. The status is 1 when there is one.

    \b
    Example:
      astratrade archive verify
    """
    settings = load(data_dir=data_dir)
    faults = ask_log(settings, lambda log: _verify(settings, log))
    if faults:
        raise DeployError(f"{faults} faults in the archive: docs/archive.md says what to do")


@archive.command()
@click.argument("file")
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_dir_option
def drop(*, file: str, yes: bool, data_dir: Path | None) -> None:
    """Give up a damaged or missing FILE: remove it from the archive's manifest. Readers then miss its records.

    What the log still has of them is archived again. The file itself stays for a week.

    \b
    Example:
      astratrade archive drop 00000000000000000200-00000000000000000400.9c55fb33.parquet
    """
    settings = load(data_dir=data_dir)
    if not yes:
        click.confirm(f"Give up the records of {file}?", abort=True)
    click.echo(ask_log(settings, lambda log: _drop(settings, log, file)))


async def _archivers(settings: Settings, log: Log) -> AsyncIterator[Any]:
    """Yield the archiver of each shard, which reads the shard without its archive."""
    from faust_redis.archive.archiver import Archiver  # noqa: PLC0415

    from deploy.run.archive import storage_of  # noqa: PLC0415

    storage = storage_of(settings)
    for shard in log.shards:
        async with Log(shard.url, settings.namespace, shard=shard.shard) as plain:
            yield Archiver(plain, storage)


async def _status(settings: Settings, log: Log) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    async for archiver in _archivers(settings, log):
        for info in await archiver.topics():
            for partition, backlog in sorted((await archiver.backlogs(info)).items()):
                manifest = backlog.archived
                segments = () if manifest is None else manifest.segments
                rows.append({
                    "topic": info.spec.name,
                    "partition": partition,
                    "first": segments[0].first if segments else backlog.begin,
                    "end": backlog.begin,
                    "waiting": backlog.size,
                    "files": len(segments),
                    "bytes": sum(segment.size for segment in segments),
                })  # fmt: skip
    return rows


async def _verify(settings: Settings, log: Log) -> int:
    from faust_redis.archive.verify import verify as verified  # noqa: PLC0415

    faults = files = records = 0
    async for archiver in _archivers(settings, log):
        for info in await archiver.topics():
            async for found in verified(archiver, info):
                files, records = files + found.files, records + found.records
                faults += len(found.faults)
                for fault in found.faults:
                    click.echo(f"{found.tp.topic}:{found.tp.partition}  {fault}")
    click.echo(f"{records:,} records in {files:,} files compared")
    return faults


async def _drop(settings: Settings, log: Log, file: str) -> str:
    from faust_redis.archive.verify import drop as dropped  # noqa: PLC0415

    async for archiver in _archivers(settings, log):
        try:
            found = await dropped(archiver, Path(file).name)
        except LogError as exc:
            raise DeployError(f"{exc}; repeat this") from exc
        if found is not None:
            tp, segment = found
            return f"records {segment.first} to {segment.end - 1} of {tp.topic}:{tp.partition} are given up"
    raise DeployError(f"no manifest names {file}; `astratrade archive verify` lists the files with faults")
