"""A shard is restored to an earlier state: it gets again what it lost, once and in order."""

from __future__ import annotations

import pytest
from faust_redis.log import (
    Log,
    Shard,
    SourceMovedError,
)

from tests.integration.streams.sharding import SHARDS, THERE, dump, forwarder, restore, send, values


async def test_a_shard_that_was_restored_to_an_earlier_state_gets_again_what_it_lost(shards: list[Log]) -> None:
    forwards = forwarder(shards)
    await send(shards[0], 1)
    await forwards.step()
    kept = await dump(shards[1])
    await send(shards[0], 2)
    await send(shards[0], 3)
    await forwards.step()
    await restore(shards[1], kept)
    await send(shards[0], 4)
    with pytest.raises(SourceMovedError):
        await forwards.step()
    await forwarder(shards).step()
    assert await values(shards[1], THERE) == [1, 2, 3, 4]


async def test_an_idle_forwarder_sees_that_its_target_was_restored(
    shards: list[Log], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faust_redis.log.forwarding.LOOK_EVERY_S", 0.0)
    forwards = forwarder(shards)
    kept = await dump(shards[1])
    await send(shards[0], 1)
    await forwards.step()
    await restore(shards[1], kept)
    with pytest.raises(SourceMovedError):
        await forwards.step()
    await forwarder(shards).step()
    assert await values(shards[1], THERE) == [1]


async def test_a_shard_that_was_restored_and_writes_again_is_forwarded_from_its_new_records_on(
    shards: list[Log],
) -> None:
    forwards = forwarder(shards)
    await send(shards[0], 1)
    await forwards.step()
    kept = await dump(shards[0])
    for lost in (2, 3):
        await send(shards[0], lost)
        await forwards.step()
    await restore(shards[0], kept)
    for new in (4, 5, 6):
        await send(shards[0], new)  # the transit topic has grown past the offset where the forwarder stands
    for _ in range(2):
        await forwards.step()
    assert await values(shards[1], THERE) == [1, 2, 3, 4, 5, 6]  # 2 and 3 had arrived, and stay


async def test_a_forwarder_that_begins_sees_that_its_target_was_restored(shards: list[Log]) -> None:
    kept = await dump(shards[1])
    await send(shards[0], 1)
    await forwarder(shards).step()
    await restore(shards[1], kept)
    await send(shards[0], 2)
    await forwarder(shards).step()  # no forwarder saw the target before and after
    assert await values(shards[1], THERE) == [1, 2]


async def test_a_restored_target_gets_nothing_before_what_it_lost(
    shards: list[Log], broker_url: str, namespace: str
) -> None:
    forwards = forwarder(shards)
    async with Log(broker_url, namespace, shard=Shard(0, SHARDS), transit="g") as second:
        await send(shards[0], 1)
        await forwards.step()
        kept = await dump(shards[1])
        await send(second, 2)
        await forwards.step()
        await restore(shards[1], kept)
        await send(shards[0], 3)  # of the first writer, all of whose parcels have arrived
        with pytest.raises(SourceMovedError):
            await forwards.step()
        await forwarder(shards).step()
    assert await values(shards[1], THERE) == [1, 2, 3]


async def test_an_idle_forwarder_sees_that_its_source_was_restored(shards: list[Log]) -> None:
    forwards = forwarder(shards)
    await send(shards[0], 0)
    await forwards.step()
    kept = await dump(shards[0])
    for lost in (1, 2):
        await send(shards[0], lost)
        await forwards.step()
    await restore(shards[0], kept)
    await send(shards[0], 3)  # the transit topic is shorter than the forwarder has read
    for _ in range(2):
        await forwards.step()
    assert await values(shards[1], THERE) == [0, 1, 2, 3]
