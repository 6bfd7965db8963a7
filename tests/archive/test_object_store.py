"""An archive in an object store works as one in a directory. The store is a server on a port of this machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from faust_redis.archive import StorageError
from faust_redis.archive.storage import Storage
from faust_redis.archive.upkeep import MERGE_MIN, Upkeep
from faust_redis.archive.verify import verify
from faust_redis.log import Log, LogUnavailableError

from tests.archive import object_store
from tests.archive.object_store import ObjectStore
from tests.archive.world import BOTH, SPEC, archive_all, archiver, fill, plain, read_all, tiered, trim


@pytest.fixture
def store() -> Iterator[ObjectStore]:
    with object_store.running() as store:
        yield store


async def test_records_are_archived_merged_compared_and_read_again(log: Log, store: ObjectStore) -> None:
    await log.create_topic(SPEC)
    files = archiver(log, store.url)
    for number in range(MERGE_MIN):
        await fill(log, 20, number * 20)
        await archive_all(files)
    [info] = await files.topics()
    assert await Upkeep(files, 0).merge(info, 0) == MERGE_MIN
    whole = {tp: plain(await read_all(log, tp)) for tp in BOTH}
    await trim(log)
    assert [fault for one in [one async for one in verify(files, info)] for fault in one.faults] == []
    async with tiered(log, store.url) as both:
        assert {tp: plain(await read_all(both, tp)) for tp in BOTH} == whole


async def test_a_store_that_is_away_stops_nothing_but_archiving(log: Log, store: ObjectStore) -> None:
    await log.create_topic(SPEC)
    await fill(log, 200)
    await archive_all(archiver(log, store.url))
    await trim(log)
    store.is_away = True
    await fill(log, 50, 200)
    with pytest.raises(StorageError):
        await archive_all(archiver(log, store.url))
    async with tiered(log, store.url) as both:
        fetched = await both.fetch_each({BOTH[0]: 0, BOTH[1]: 240})
        assert fetched.records.keys() == {BOTH[1]}
        with pytest.raises(LogUnavailableError, match="the archive cannot be read"):
            await both.fetch_each({BOTH[0]: 0})


def test_a_large_file_is_written_in_parts(store: ObjectStore) -> None:
    storage = Storage(store.url)
    part = bytes(range(256)) * 4_096
    assert storage.write("large", lambda file: file.writelines([part] * 12)) == 12 * len(part)
    with storage.reading("large") as file:
        assert file.read() == 12 * part
    assert [one.path for one in storage.files()] == ["large"]
    storage.delete("large")
    assert storage.files() == []
