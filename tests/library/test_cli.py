"""The `faust-redis` command on a real server."""

import asyncio
import json
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner, Result
from faust_redis.cli import main as module
from faust_redis.cli.main import cli
from faust_redis.cli.text import columns
from faust_redis.dead_letters import DeadLetter, DeadLetters
from faust_redis.log import IdempotencyConflictError, Log, Record, TopicPartition, TopicSpec, WriteBatch

from tests.library.test_admin import ask, member


def commands(group: click.Group, prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        yield (*prefix, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*prefix, name))


@pytest.mark.parametrize(("path", "command"), [pytest.param(*pair, id=" ".join(pair[0])) for pair in commands(cli)])
def test_every_command_has_help_with_an_example_and_described_options(
    path: tuple[str, ...], command: click.Command
) -> None:
    result = CliRunner().invoke(cli, [*path, "--help"])
    assert result.exit_code == 0
    assert f"faust-redis {path[0]}" in result.output.partition("Example")[2]
    assert all(option.help for option in command.params if isinstance(option, click.Option))


def test_the_commands_are_those_that_are_promised() -> None:
    assert set(cli.commands) == {"topics", "groups", "tables", "dead-letters", "doctor"}


def test_columns_are_aligned_and_numbers_to_the_right() -> None:
    assert columns(("name", "n"), [("a", 1), ("bcdef", 10)]) == ["name    n", "a       1", "bcdef  10"]


class Cli:
    """Run commands on a log, in the loop of a separate thread."""

    def __init__(self, log: Log) -> None:
        self.options = ["--url", f"{log.url}?namespace={log.keys.namespace}"]

    async def __call__(self, *arguments: str) -> str:
        result = await self.run(*arguments)
        assert result.exit_code == 0, result.output
        return str(result.output)

    async def run(self, *arguments: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, cli, [*arguments, *self.options], catch_exceptions=False)


@pytest.fixture
def command(log: Log) -> Cli:
    return Cli(log)


async def test_a_damaged_partition_is_named_by_the_doctor_and_repaired_by_the_command_it_advises(
    command: Cli, log: Log
) -> None:
    await log.create_topic(TopicSpec("t", 2))
    await log.append([Record("t", 1, b"k", b"v", 1)])
    assert "is not damaged" in await command("topics", "repair", "t", "1")
    await log.redis.xadd(log.keys.stream("t", 1), {"x": "1"})
    result = await command.run("doctor")
    assert result.exit_code == 1
    assert "run 'faust-redis topics repair t 1'" in result.output
    asked = await command.run("topics", "repair", "t", "1")
    assert (asked.exit_code, "has the id of another writer" in asked.output) == (1, True)
    assert (await command.run("doctor")).exit_code == 1, "it asked first"
    output = await command("topics", "repair", "t", "1", "--yes")
    assert "done: removed 1 entries" in output
    assert "left:" not in output
    assert "fail" not in await command("doctor")


async def test_topics_are_created_listed_and_deleted(command: Cli, log: Log) -> None:
    assert "no topics yet" in await command("topics")
    await command("topics", "create", "clicks", "--partitions", "2", "--compact", "--retention-hours", "0.5")
    spec = (await log.topic("clicks")).spec
    assert (spec.partitions, spec.cleanup, spec.retention_ms) == (2, "compact", 1_800_000)
    await log.commit(WriteBatch([Record("clicks", 1, b"k", b"v", 0)] * 3, {TopicPartition("clicks", 1): 1}, group="g"))
    [_, empty, line] = (await command("topics")).splitlines()
    assert empty.split() == ["clicks", "0", "0", "0", "-", "-", "-"]
    assert line.split() == ["clicks", "1", "0", "3", "g", "1", "2"]
    assert json.loads(await command("topics", "--json"))[1]["lag"] == {"g": 2}
    assert "is deleted" in await command("topics", "delete", "clicks", "--yes")
    assert "no topics yet" in await command("topics")


async def test_groups_are_described_reset_and_forgotten(command: Cli, log: Log) -> None:
    assert "no groups yet" in await command("groups", "list")
    await log.create_topic(TopicSpec("t", 2))
    await log.append([Record("t", 1, None, b"", n) for n in range(3)])
    await member(log, topics=[("t", [0, 1])])
    assert "g  live members: 1  records behind: 0" in await command("groups", "list")
    described = await command("groups", "describe", "g")
    assert "state: stable" in described
    assert "not ready: 1 of 1 workers are still recovering" in described
    assert "leads the group" in described
    assert "    t: 0 1" in described
    await ask(log, "leave", "m1")
    assert "g continues at t:1 offset 0" in await command("groups", "reset", "g", "t", "--to", "earliest")
    assert "records behind: 3" in await command("groups", "list")
    assert "is forgotten" in await command("groups", "forget", "g")
    assert "no groups yet" in await command("groups", "list")


async def test_tables_are_listed_and_their_rows_read(command: Cli, log: Log) -> None:
    assert "no tables yet" in await command("tables", "list")
    await log.create_topic(TopicSpec("shop-totals-changelog", 2, "compact"))
    rows = [Record("shop-totals-changelog", 0, b"ada", '{"n":"é"}'.encode(), 0)]
    rows.append(Record("shop-totals-changelog", 1, b'"bob"', b"2", 0))
    await log.append(rows)
    assert (await command("tables", "list")).split() == ["shop-totals", "2"]
    assert await command("tables", "get", "shop-totals", "ada") == '{"n": "é"}\n'
    assert await command("tables", "get", "shop-totals", "bob") == "2\n", "its key is JSON"


async def test_letters_of_all_applications_are_listed_shown_replayed_and_dropped(command: Cli, log: Log) -> None:
    assert "no dead letters" in await command("dead-letters", "list")
    await log.create_topic(TopicSpec("t", 1))
    letters = {
        app: DeadLetter(app, "t", 0, n, b"k", b"\x00{", 5, (("h", b"1"),), "Traceback\nValueError: no", 1, "agent")
        for n, app in enumerate(("a", "b"))
    }
    for app, letter in letters.items():
        topic = f"{app}-dead-letters"
        await log.create_topic(TopicSpec(topic, 1, "compact"))
        await log.append([Record(topic, 0, letter.id.encode(), letter.encode(), 5)])
    listed = await command("dead-letters", "list")
    assert [line.split("  ")[0] for line in listed.splitlines()] == ["a:t:0:0", "b:t:0:1"]
    assert "ValueError: no" in listed
    shown = await command("dead-letters", "show", "b:t:0:1")
    assert "message    t:0:1, event time 1970-01-01T00:00:00.005+00:00" in shown
    assert "group      b\n" in shown
    assert "header     h: 1" in shown
    for _ in ("first", "again"):
        assert "replayed to t:0:0" in await command("dead-letters", "replay", "b:t:0:1")
    assert "dropped" in await command("dead-letters", "drop", "a:t:0:0", "--yes")
    assert "no dead letters" in await command("dead-letters", "list")
    with pytest.raises(IdempotencyConflictError):
        await DeadLetters(log, "a-dead-letters").replay(letters["a"])


async def test_the_doctor_tells_by_its_status_whether_a_check_fails(command: Cli, log: Log) -> None:
    assert "ok   broker" in await command("doctor")
    await log.create_topic(TopicSpec("t", 1))
    await log.redis.xadd(log.keys.stream("t", 0), {"a": "b"})
    result = await command.run("doctor")
    assert result.exit_code == 1
    assert "fail partitions" in result.output


@pytest.fixture
def environment(broker_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Name the broker in the environment."""
    monkeypatch.setenv("FAUST_REDIS_URL", broker_url)
    monkeypatch.setenv("FAUST_REDIS_NAMESPACE", namespace)
    return monkeypatch


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("groups", "reset", "g", "t", "--to", "latest"), "topic 't' does not exist"),
        (("groups", "forget", "g"), "there is no group 'g'"),
        (("topics", "delete", "t", "--yes"), "topic 't' does not exist"),
        (("topics", "repair", "t", "0", "--yes"), "topic 't' does not exist"),
        (("tables", "get", "shop-totals", "ada"), "there is no table 'shop-totals'; there are: none"),
        (("dead-letters", "show", "t:0:1"), "'faust-redis dead-letters list' shows"),
        (("topics", "--url", "http://nowhere"), "must specify one of the following schemes"),
        (("topics", "--url", "redis://127.0.0.1:1"), "no answer from the broker"),
    ],
)
def test_an_error_is_one_line_and_a_status(
    arguments: tuple[str, ...],
    says: str,
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    environment.setattr("sys.argv", ["faust-redis", *arguments])
    with pytest.raises(SystemExit) as ended:
        module.main()
    assert ended.value.code == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("faust-redis: ")
    assert says in line
