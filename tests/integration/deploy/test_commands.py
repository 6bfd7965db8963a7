"""`topics`, `tables` and `reset` on a real server."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from faust_redis.admin import InvalidRequestError
from faust_redis.cli.overview import PartitionState
from faust_redis.dead_letters import DeadLetter
from faust_redis.log import Fence, GroupInUseError, Log, Record, TopicPartition, TopicSpec, WriteBatch
from faust_redis.log.records import REPLAY_FOR_HEADER
from faust_redis.log.scripts import GROUP

from deploy.admin.reset import reset_everything
from deploy.cli.main import cli
from deploy.errors import DeployError
from deploy.server.embedded import EmbeddedServer
from deploy.server.endpoint import running_urls, shard_directory
from deploy.server.locks import FileLock
from deploy.server.server_binary import find_binary
from deploy.settings import Settings
from streams.topics import DEAD_LETTERS, NAMESPACE
from tables.gamification import Progress

TABLE = "astratrade-gamification-progress-changelog"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(tmp_path, find_binary()) as running:
        yield running


def with_log(server: EmbeddedServer, act: Callable[[Log], Awaitable[None]]) -> None:
    async def run() -> None:
        async with Log(server.url, NAMESPACE) as log:
            await act(log)

    asyncio.run(run())


def astratrade(server: EmbeddedServer, *arguments: str) -> Result:
    return CliRunner().invoke(cli, [*arguments, "--data-dir", str(server.directory.parent)], catch_exceptions=False)


async def fill(log: Log) -> None:
    """Append three records to one partition, one of them processed by a member with a lease; and a table row."""
    await log.create_topic(TopicSpec("t", 2))
    await log.create_topic(TopicSpec(TABLE, 2, "compact"))
    await log.append([Record("t", 1, None, b"%d" % n, n) for n in range(3)])
    await log.append([Record(TABLE, 1, b"trader-1", Progress(xp=7, max_leverage=10).dump(), 1)])
    await log.run(GROUP, [log.keys.group("astratrade")], ["join", "w1", b"", 60_000, 60_000, 0])
    await log.run(GROUP, [log.keys.group("astratrade")], ["sync", "w1", 1, "w1", b""])
    await log.commit(WriteBatch([], {TopicPartition("t", 1): 1}), fence=Fence("astratrade", "w1", 1))


async def leave(log: Log) -> None:
    await log.run(GROUP, [log.keys.group("astratrade")], ["leave", "w1"])


def test_topics_show_offsets_and_lag(server: EmbeddedServer) -> None:
    with_log(server, fill)
    states = json.loads(astratrade(server, "topics", "--json").output)
    assert [state for state in states if state["topic"] == "t"] == [
        {"topic": "t", "partition": 0, "start": 0, "end": 0, "committed": {}, "lag": {}},
        {"topic": "t", "partition": 1, "start": 0, "end": 3, "committed": {"astratrade": 1}, "lag": {"astratrade": 2}},
    ]
    assert "committed" in astratrade(server, "topics").output


def test_lag_is_the_number_of_unprocessed_records() -> None:
    assert PartitionState("t", 0, 0, 10, {"g": 4}).lag("g") == 6


def test_tables_are_read_as_committed(server: EmbeddedServer) -> None:
    with_log(server, fill)
    shown = json.loads(astratrade(server, "tables", "get", "gamification-progress", "trader-1").output)
    assert shown == Progress(xp=7, max_leverage=10).as_json()
    listed = astratrade(server, "tables", "list").output
    assert "gamification-progress" in listed
    assert "not created" in listed
    with pytest.raises(DeployError, match="gamification-progress has no row 'nobody'"):
        astratrade(server, "tables", "get", "gamification-progress", "nobody")


def test_reset_is_refused_while_a_worker_holds_a_lease(server: EmbeddedServer) -> None:
    with_log(server, fill)
    with pytest.raises(GroupInUseError, match=r"workers are running \(w1\)"):
        astratrade(server, "reset", "--yes")
    assert json.loads(astratrade(server, "topics", "--json").output)


def test_reset_leaves_nothing_of_the_namespace_and_all_of_others(server: EmbeddedServer) -> None:
    async def prepare(log: Log) -> None:
        await fill(log)
        await leave(log)
        await log.redis.set("{other}:kept", "1")

    async def only_the_other_is_left(log: Log) -> None:
        assert await log.redis.keys("*") == [b"{other}:kept"]

    with_log(server, prepare)
    assert astratrade(server, "reset", "--yes").output.startswith("deleted ")
    with_log(server, only_the_other_is_left)


def test_reset_asks_first(server: EmbeddedServer) -> None:
    result = CliRunner().invoke(cli, ["reset", "--data-dir", str(server.directory.parent)], input="n\n")
    assert result.exit_code == 1
    assert "Delete all keys of namespace 'astra' on the embedded server" in result.output


def test_reset_without_a_running_server_removes_its_data(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path, find_binary()):
        pass
    lock = FileLock(tmp_path / "workers" / "worker-1" / "lock")
    lock.acquire()
    with pytest.raises(DeployError, match="worker-1 is in use by process"):
        reset_everything(Settings(data_dir=tmp_path))
    lock.release()
    assert reset_everything(Settings(data_dir=tmp_path)) == "deleted 0 keys and 2 directories"
    assert list((tmp_path / "workers").iterdir()) == []
    assert not (tmp_path / "server").exists()


def test_after_a_reset_of_several_shards_one_server_is_enough(tmp_path: Path) -> None:
    for number in range(2):
        with EmbeddedServer(shard_directory(tmp_path, number), find_binary()):
            pass
    assert reset_everything(Settings(data_dir=tmp_path)) == "deleted 0 keys and 2 directories"
    with EmbeddedServer(tmp_path, find_binary()) as server:
        assert running_urls(tmp_path) == [server.url]


def test_dead_letters_are_listed_shown_replayed_once_and_dropped(server: EmbeddedServer) -> None:
    def letter(offset: int) -> DeadLetter:
        return DeadLetter(
            "g", "t", 1, offset, b"k", b"\x00{", 5, (("h", b"1"),), "ValueError: no", 1, "trading-commands"
        )

    async def append_dead_letters(log: Log) -> None:
        await log.create_topic(TopicSpec("t", 2))
        await log.create_topic(TopicSpec(DEAD_LETTERS, 2, "compact"))
        await log.append([Record(DEAD_LETTERS, 1, one.id.encode(), one.encode(), 5) for one in (letter(3), letter(4))])

    assert "no dead letters" in astratrade(server, "dead-letters", "list").output
    with_log(server, append_dead_letters)
    assert "g:t:1:3  trading-commands  1 attempts  ValueError: no" in astratrade(server, "dead-letters", "list").output
    shown = astratrade(server, "dead-letters", "show", "g:t:1:3").output
    assert "header     h: 1" in shown
    assert "\x00{" in shown
    for _ in ("first", "again: the operator may not have seen the answer"):
        assert "replayed to t:1:0" in astratrade(server, "dead-letters", "replay", "g:t:1:3").output
    with pytest.raises(InvalidRequestError, match="no dead letter"):
        astratrade(server, "dead-letters", "replay", "g:t:1:5")
    astratrade(server, "dead-letters", "drop", "g:t:1:4", "--yes")
    assert "no dead letters" in astratrade(server, "dead-letters", "list").output

    async def look(log: Log) -> None:
        [record] = (await log.fetch({TopicPartition("t", 1): 0}))[TopicPartition("t", 1)]
        assert (record.key, record.value, record.headers) == (b"k", b"\x00{", (("h", b"1"), (REPLAY_FOR_HEADER, b"g")))

    with_log(server, look)


def test_groups_show_members_and_how_far_behind_they_are(server: EmbeddedServer) -> None:
    assert "no groups yet" in astratrade(server, "groups", "list").output
    with_log(server, fill)
    assert "astratrade  live members: 1  records behind: 2" in astratrade(server, "groups", "list").output


def test_a_group_with_live_members_is_neither_reset_nor_forgotten(server: EmbeddedServer) -> None:
    with_log(server, fill)
    for arguments in (("reset", "astratrade", "t", "--to", "latest"), ("forget", "astratrade")):
        with pytest.raises(GroupInUseError, match="live members \\(w1\\)"):
            astratrade(server, "groups", *arguments)
    assert "records behind: 2" in astratrade(server, "groups", "list").output


def test_a_group_is_reset_and_forgotten_when_nobody_runs_it(server: EmbeddedServer) -> None:
    with_log(server, fill)
    with_log(server, leave)
    result = astratrade(server, "groups", "reset", "astratrade", "t", "--partition", "1", "--to", "3")
    assert "continues at t:1 offset 3" in result.output
    assert "records behind: 0" in astratrade(server, "groups", "list").output
    assert (
        "continues at t:1 offset 0"
        in astratrade(server, "groups", "reset", "astratrade", "t", "--to", "earliest").output
    )
    assert "is forgotten" in astratrade(server, "groups", "forget", "astratrade").output
    assert "no groups yet" in astratrade(server, "groups", "list").output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("reset", "astratrade", "t", "--to", "4711"), "not '4711'"),
        (("reset", "astratrade", "t", "--to", "soon"), "earliest, latest or an offset"),
        (("reset", "astratrade", "t", "--partition", "9", "--to", "latest"), "not 9"),
        (("forget", "nobody"), "there is no group 'nobody'"),
    ],
)
def test_a_wrong_group_command_says_what_it_takes(
    server: EmbeddedServer, arguments: tuple[str, ...], says: str
) -> None:
    with_log(server, fill)
    with_log(server, leave)
    with pytest.raises(InvalidRequestError, match=says):
        astratrade(server, "groups", *arguments)
