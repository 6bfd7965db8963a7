"""Log keys that another program changed: a commit writes nothing, and other partitions can still be read."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import msgpack
import pytest
import zstandard
from faust_redis.admin import Admin
from faust_redis.log import (
    DamagedPartitionError,
    Fence,
    ForeignKeyError,
    IdempotencyKey,
    Log,
    LogError,
    LogUnavailableError,
    Record,
    Rows,
    TopicPartition,
    TopicSpec,
    WriteBatch,
)
from faust_redis.log.integrity import inspect_for_repair, inspect_topic
from faust_redis.log.scripts import GROUP
from redis.exceptions import BusyLoadingError

GOOD, BAD = TopicPartition("t", 0), TopicPartition("t", 1)
KEY = IdempotencyKey("key", "digest", 60_000)
WHOLE = WriteBatch(
    [Record("t", 0, b"k", b"v", 1), Record("t", 1, b"k", b"v", 1)],
    {GOOD: 1},
    rows=[Rows("r", 0, [(b"open|ada", b"\x81\xa3all\x91\x01")], 1)],
)
"""A commit that touches every type of key."""


@pytest.fixture(autouse=True)
async def fence(log: Log) -> Fence:
    await log.create_topic(TopicSpec("t", 2))
    await log.create_topic(TopicSpec("r", 1, "compact", "rank"))
    standing: Any = await log.run(GROUP, [log.keys.group("g")], ["join", "m", b"", 60_000, 60_000, 0])
    await log.run(GROUP, [log.keys.group("g")], ["sync", "m", standing[3], "m", b"all"])
    return Fence("g", "m", standing[3])


async def everything(log: Log) -> dict[bytes, Any]:
    """Return a dump of all keys of the namespace."""
    keys = sorted([key async for key in log.redis.scan_iter(f"{log.keys.prefix}*")])
    return {key: await log.redis.dump(key) for key in keys}


TOUCHED: dict[str, Callable[[Log], str]] = {
    "stream": lambda log: log.keys.stream("t", 1),
    "ends": lambda log: log.keys.ends("t"),
    "snapshot": lambda log: log.keys.snapshot("r", 0),
    "ranking": lambda log: log.keys.ranking("r", "open/all"),
    "offsets": lambda log: log.keys.offsets("g"),
    "groups": lambda log: log.keys.groups,
    "idempotency key": lambda log: log.keys.idempotency_key("key"),
}


@pytest.mark.parametrize("name", TOUCHED)
async def test_a_commit_that_would_touch_a_key_of_another_type_writes_nothing(
    log: Log, fence: Fence, name: str
) -> None:
    key = TOUCHED[name](log)
    await log.redis.set(key, "foreign")
    before = await everything(log)
    with pytest.raises(LogError, match="holds a string") as refused:
        await log.commit(WHOLE, fence=fence, write_id=KEY)
    assert key in str(refused.value)
    assert await everything(log) == before
    await log.redis.delete(key)
    assert (await log.commit(WHOLE, fence=fence, write_id=KEY)).offsets == (0, 0)


async def test_the_error_of_a_partition_names_it_and_the_command_that_repairs_it(log: Log) -> None:
    await log.redis.set(log.keys.snapshot("r", 0), "foreign")
    with pytest.raises(DamagedPartitionError, match="faust-redis topics repair r 0") as damaged:
        await log.append([Record("r", 0, b"open|ada", b"{}", 1)])
    assert (damaged.value.topic, damaged.value.partition) == ("r", 0)


async def test_the_error_of_another_key_says_that_something_else_wrote_it(log: Log, fence: Fence) -> None:
    await log.redis.set(log.keys.groups, "foreign")
    with pytest.raises(ForeignKeyError, match="Something else wrote it"):
        await log.commit(WHOLE, fence=fence)


BAD_ENTRIES: dict[str, dict[str, Any]] = {
    "a foreign id": {"id": "*", "fields": {"x": "1"}},
    "a timestamp that is no number": {"id": "0-2", "fields": {"k": "k", "v": "v", "t": "soon"}},
    "a timestamp of 30 digits": {"id": "0-2", "fields": {"k": "k", "v": "v", "t": "9" * 30}},
    "a timestamp of 30 digits beside headers": {"id": "0-2", "fields": {"v": "v", "t": "9" * 30, "h:a": "1"}},
}


@pytest.mark.parametrize("entry", BAD_ENTRIES)
async def test_a_bad_entry_stops_the_reading_of_its_partition_only(log: Log, entry: str) -> None:
    await log.append([Record("t", partition, b"k", b"v", 1) for partition in (0, 1)])
    await log.redis.xadd(log.keys.stream("t", 1), **BAD_ENTRIES[entry])
    fetched = await log.fetch_each({GOOD: 0, BAD: 0})
    assert [len(fetched.records[tp]) for tp in (GOOD, BAD)] == [1, 1], "records before the bad entry are read"
    assert not fetched.damaged
    fetched = await log.fetch_each({GOOD: 0, BAD: 1}, block_ms=10_000)
    assert list(fetched.records) == [GOOD]
    assert "topics repair t 1" in str(fetched.damaged[BAD])
    with pytest.raises(DamagedPartitionError):
        await log.fetch({GOOD: 0, BAD: 1})


async def test_a_stream_of_another_type_stops_the_reading_of_its_partition_only(log: Log) -> None:
    await log.append([Record("t", 0, b"k", b"v", 1)])
    await log.redis.set(log.keys.stream("t", 1), "foreign")
    fetched = await log.fetch_each({GOOD: 0, BAD: 0}, block_ms=10)
    assert (list(fetched.records), list(fetched.damaged)) == ([GOOD], [BAD])


async def test_a_foreign_first_entry_does_not_hide_where_other_partitions_begin(log: Log) -> None:
    await log.append([Record("t", 0, b"k", b"v", 1)])
    await log.redis.xadd(log.keys.stream("t", 1), {"x": "1"})
    assert await log.beginning_offsets("t") == {0: 0, 1: 0}


@pytest.mark.parametrize(
    ("timestamp_ms", "stored_ms"),
    [(2**63, 2**63 - 1), (10**30, 2**63 - 1), (-(10**30), 1 - 2**63), (2**63 - 1, 2**63 - 1)],
)
async def test_a_timestamp_that_does_not_fit_into_64_bits_is_written_as_the_nearest_that_does(
    log: Log, timestamp_ms: int, stored_ms: int
) -> None:
    await log.append([Record("t", 0, b"k", b"v", timestamp_ms), Record("t", 0, None, b"v", timestamp_ms)])
    assert [record.timestamp_ms for record in (await log.fetch({GOOD: 0}))[GOOD]] == [stored_ms, stored_ms]
    assert await inspect_topic(log, "t") == {}


@pytest.mark.parametrize("key", ["snapshot", "stream"])
async def test_a_reader_of_rows_is_told_which_partition_holds_a_key_of_another_type(log: Log, key: str) -> None:
    await log.create_topic(TopicSpec("rows", 2, "compact"))
    tp = TopicPartition("rows", 1)
    await log.append([Record("rows", 1, b"k", b"v", 1)])
    await log.redis.set(getattr(log.keys, key)(*tp), "foreign")

    async def read() -> None:
        await log.at({TopicPartition("rows", 0): 0, tp: 0})
        async for _ in log.rows(tp):
            pass

    with pytest.raises(DamagedPartitionError, match=f"its {key}'s key .* topics repair rows 1"):
        await read()


async def test_a_foreign_key_among_offsets_is_an_error_of_the_log_that_names_it(log: Log) -> None:
    await log.create_topic(TopicSpec("ends", 1))
    await log.redis.set(log.keys.ends("ends"), "foreign")
    with pytest.raises(ForeignKeyError, match=log.keys.ends("ends")):
        await Admin(log).committed_and_ends(["g"], ["ends"])


async def test_a_stream_of_another_type_does_not_hide_where_other_partitions_begin(log: Log) -> None:
    for partition in (0, 0, 1):
        await log.append([Record("t", partition, b"k", b"v", 1)])
    await log.redis.xtrim(log.keys.stream("t", 0), minid="0-2", approximate=False)
    await log.redis.set(log.keys.stream("t", 1), "foreign")
    assert await log.beginning_offsets("t") == {0: 1, 1: 0}


READS: dict[str, tuple[Callable[[Log], str], Callable[[Log], Awaitable[Any]]]] = {
    "topic": (lambda log: log.keys.topic("t"), lambda log: log.topic("t", fresh=True)),
    "topics": (lambda log: log.keys.topics, lambda log: log.topics()),
    "end offsets": (lambda log: log.keys.ends("t"), lambda log: log.end_offsets("t")),
    "beginning offsets": (lambda log: log.keys.ends("t"), lambda log: log.beginning_offsets("t")),
    "committed": (lambda log: log.keys.offsets("g"), lambda log: log.committed("g")),
    "last sequence": (lambda log: log.keys.producer("p"), lambda log: log.last_sequence("p")),
    "source offsets": (lambda log: log.keys.source_offsets("s"), lambda log: log.source_offsets("s")),
    "read lease": (lambda log: log.keys.readers("t"), lambda log: log.acquire_read_lease("t", "r", {0: 0}, 1_000)),
    "release": (lambda log: log.keys.readers("t"), lambda log: log.release_read_lease("t", "r")),
}


@pytest.mark.parametrize("name", READS)
async def test_a_read_of_a_key_of_another_type_is_an_error_of_the_log_that_names_the_key(log: Log, name: str) -> None:
    key_of, read = READS[name]
    await log.redis.delete(key_of(log))
    await log.redis.set(key_of(log), "foreign")
    with pytest.raises(ForeignKeyError, match=re.escape(key_of(log))):
        await read(log)


async def test_a_tail_of_a_stream_of_another_type_names_the_partition_and_the_repair(log: Log) -> None:
    await log.redis.set(log.keys.stream("t", 1), "foreign")
    with pytest.raises(DamagedPartitionError, match="topics repair t 1"):
        await log.tail(BAD, 1)


async def test_a_script_that_meets_a_key_of_another_type_is_an_error_of_the_log(log: Log) -> None:
    await log.redis.delete(log.keys.topic("t"))
    await log.redis.set(log.keys.topic("t"), "foreign")
    with pytest.raises(ForeignKeyError, match="Something else wrote the key"):
        await log.create_topic(TopicSpec("t", 2))


async def test_a_broker_that_loads_its_data_during_a_fetch_is_unavailable(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    await log.append([Record("t", 0, b"k", b"v", 1)])
    await log.redis.set(log.keys.stream("t", 1), "foreign")
    pipeline = log.redis.pipeline

    def loading(**options: Any) -> Any:
        pipe = pipeline(**options)

        async def execute(**_: Any) -> list[Any]:
            return [[], BusyLoadingError("LOADING the dataset is loaded")]

        monkeypatch.setattr(pipe, "execute", execute)
        return pipe

    monkeypatch.setattr(log.redis, "pipeline", loading)
    with pytest.raises(LogUnavailableError):
        await log.fetch_each({GOOD: 0, BAD: 0})
    with pytest.raises(LogUnavailableError):
        await log.beginning_offsets("t")


def packed(*columns: Any) -> bytes:
    return zstandard.compress(msgpack.packb(columns))


HOSTILE: dict[str, dict[str, bytes]] = {
    "no number": {"n": b"many", "z": packed(1, [b"k"] * 2, [b"v"] * 2, None)},
    "a huge number": {"n": b"9" * 400, "z": packed(1, [b"k"] * 2, [b"v"] * 2, None)},
    "more than a batch holds": {"n": b"1000000000000", "z": packed(1, [b"k"] * 2, [b"v"] * 2, None)},
    "more than there are": {"n": b"3", "z": packed(1, [b"k"] * 2, [b"v"] * 2, None)},
    "a negative number": {"n": b"-2", "z": packed(1, [b"k"] * 2, [b"v"] * 2, None)},
    "nothing packed": {"n": b"2"},
    "another format": {"n": b"2", "z": b"neither zstd nor MessagePack"},
    "a size of 16 TiB": {"n": b"2", "z": b"\x28\xb5\x2f\xfd\xe0" + (1 << 44).to_bytes(8, "little") + b"\x01\x00\x00"},
    "text for a column": {"n": b"2", "z": packed(1, "kk", [b"v"] * 2, None)},
    "three columns": {"n": b"2", "z": packed(1, [b"k"] * 2, [b"v"] * 2)},
    "no headers of a record": {"n": b"2", "z": packed(1, [b"k"] * 2, [b"v"] * 2, [[]])},
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_batch_that_cannot_be_read_stops_its_partition_only(log: Log, name: str) -> None:
    for partition in (0, 1):
        await log.append([Record("t", partition, b"k", b"v", 1)])
    await log.redis.xadd(log.keys.stream("t", 1), HOSTILE[name], id="0-9")  # type: ignore[arg-type]
    fetched = await log.fetch_each({TopicPartition("t", 0): 0, TopicPartition("t", 1): 1})
    assert [record.value for record in fetched.records[TopicPartition("t", 0)]] == [b"v"]
    assert fetched.damaged.keys() == {TopicPartition("t", 1)}
    assert "entry" in [damage.kind for damage in await inspect_for_repair(log, TopicPartition("t", 1))]
    assert (await log.beginning_offsets("t"))[1] == 0
