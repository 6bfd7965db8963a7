"""`astratrade history` queries the archived events, and nothing else."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from faust_redis.log import Log, Record, TopicSpec
from msgspec.structs import replace

from deploy.cli.main import cli
from deploy.errors import DeployError
from streams import topics
from streams.events import encode
from streams.events.clock import ticked
from streams.times import SECOND_US, Instant
from streams.topology import changelog_topic
from streams.units import USD_UNIT, Quantity
from tables.boards import Standing
from tables.gamification import GAMIFICATION_BOARDS
from tables.trading import TRADING_TRADES, Trade
from tests.archive.world import archive_all, archiver

COUNT = 30


@pytest.fixture
async def archived(log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Archive some ticks and one record that is no event, and set the variables of the installation."""
    await log.create_topic(TopicSpec(topics.CLOCK, 2, archived=True))
    for number in range(COUNT):
        time = Instant((1_700_000_000 + number) * SECOND_US)
        tick = encode(ticked(time, partition=0, partitions=2))
        await log.append([Record(topics.CLOCK, number % 2, b"clock", tick, time.milliseconds())])
    await log.append([Record(topics.CLOCK, 0, None, b"\xff no event", 0)])
    await archive_all(archiver(log, tmp_path / "archive"))
    monkeypatch.setenv("ASTRA_BROKER_URL", log.url)
    monkeypatch.setenv("ASTRA_NAMESPACE", log.keys.namespace)
    monkeypatch.setenv("ASTRA_ARCHIVE", str(tmp_path / "archive"))
    monkeypatch.setenv("ASTRA_DATA_DIR", str(tmp_path / "data"))


def ask(*arguments: str) -> str:
    done = CliRunner().invoke(cli, ["history", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


async def run(*arguments: str) -> str:
    """Run the command outside of the event loop, since it has one of its own."""
    return await asyncio.to_thread(ask, *arguments)


async def test_events_have_the_fields_of_their_envelope_as_columns(
    archived: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    line = await run("--format", "json", "SELECT * FROM events WHERE partition = 1 ORDER BY append_number LIMIT 1")
    row = json.loads(line)
    assert row["type"] == "astra.clock.Ticked.v1"
    assert row["time"] == "2023-11-14 22:13:21+00:00"
    assert (row["topic"], row["partition"], row["offset"]) == (topics.CLOCK, 1, 0)
    assert isinstance(row["data"], dict)


async def test_a_topic_is_a_view_of_all_its_records_in_each_format(archived: None) -> None:
    sql = f'SELECT partition, count(*) AS n FROM "{topics.CLOCK}" GROUP BY partition ORDER BY partition'
    assert [json.loads(line) for line in (await run("--format", "json", sql)).splitlines()] == [
        {"partition": 0, "n": COUNT // 2 + 1},
        {"partition": 1, "n": COUNT // 2},
    ]
    rows = list(csv.reader(io.StringIO(await run("--format", "csv", sql))))
    assert rows == [["partition", "n"], ["0", str(COUNT // 2 + 1)], ["1", str(COUNT // 2)]]
    assert (await run(sql)).splitlines()[0].split() == ["partition", "n"]


async def test_a_table_is_a_view_of_the_last_version_of_its_rows_also_of_those_that_have_left(
    log: Log, archived: None, tmp_path: Path
) -> None:
    trades, boards = (changelog_topic("astratrade", spec.name) for spec in (TRADING_TRADES, GAMIFICATION_BOARDS))
    await log.create_topic(TopicSpec(trades, 2, "compact", archived=True))
    await log.create_topic(TopicSpec(boards, 2, "compact", view="rank", archived=True))
    trade = Trade(
        market="BTC", side="long", mode="live", venue="tape", status="closed", fills=1, notional=USD_UNIT,
        size=Quantity.of(1), fees=0, entry_price=Quantity.of(1), opened_at=1, updated_at=1,
    )  # fmt: skip
    standings = msgspec.msgpack.encode({"xp": Standing(15, 7).ranked})
    for number in (1, 2):
        newer = replace(trade, fills=number).dump()
        await log.append([Record(trades, 0, b"ada|gone", newer, number), Record(trades, 0, b"ada|kept", newer, number)])
    await log.append([Record(trades, 0, b"ada|gone", None, 3), Record(boards, 1, b"global|ada", standings, 4)])
    await archive_all(archiver(log, tmp_path / "archive"))
    sql = "SELECT * FROM \"trading-trades\" WHERE key = 'ada|gone'"
    [found] = map(json.loads, (await run("--format", "json", sql)).splitlines())
    assert (found["key"], found["has_left"], found["changed_at"]) == ("ada|gone", True, "1970-01-01 00:00:00.002000")
    assert (found["row"]["fills"], found["row"]["market"]) == (2, "BTC")
    rows = list(csv.reader(io.StringIO(await run("--format", "csv", 'SELECT * FROM "trading-trades" ORDER BY key'))))
    assert [(row[0], row[3]) for row in rows[1:]] == [("ada|gone", "True"), ("ada|kept", "False")]
    [board] = map(json.loads, (await run("--format", "json", 'SELECT * FROM "gamification-boards"')).splitlines())
    assert board["row"]["xp"][1:] == [15, 7]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_csv('http://127.0.0.1:1/x.csv')",
        "COPY (SELECT 1) TO 'stolen.csv'",
        "ATTACH 'other.db'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SELECT * FROM nothing",
        "SELEC",
    ],
)
async def test_a_query_reads_the_views_and_nothing_else(
    archived: None, sql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DeployError) as refused:
        await run(sql)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "stolen.csv").exists()


async def test_a_query_that_takes_too_much_memory_is_refused(archived: None) -> None:
    with pytest.raises(DeployError, match="Out of Memory"):
        await run("--memory", "20MB", "SELECT DISTINCT a.range::text || b.range FROM range(2000) a, range(2000) b")
