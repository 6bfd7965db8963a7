"""Nothing is lost or doubled when an archiver is killed, paused or one of two, or when the log is restored."""

from __future__ import annotations

import asyncio
import io
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
from faust_redis.archive import DamagedFileError, StorageError
from faust_redis.archive.archiver import Archiver
from faust_redis.archive.storage import Storage
from faust_redis.archive.upkeep import MERGE_MIN, Upkeep
from faust_redis.archive.verify import verify
from faust_redis.log import Log, TopicPartition
from faust_redis.log.archived import Manifest, ManifestMovedError, Seen, Segment

from tests.archive.world import BOTH, SPEC, TOPIC, archive_all, archiver, fill, plain, read_all, tiered, trim
from tests.contract.harness import until


async def start(log: Log, archive: Path, step: str, number: str) -> asyncio.subprocess.Process:
    words = ["-m", "tests.archive.process", log.url, log.keys.namespace, str(archive), step, number]
    return await asyncio.create_subprocess_exec(sys.executable, *words, stdout=asyncio.subprocess.PIPE)


async def faults_of(log: Log, archive: Path) -> list[str]:
    """Return what is wrong with the archive."""
    reader = archiver(log, archive)
    return [fault for info in await reader.topics() async for one in verify(reader, info) for fault in one.faults]


async def equal_when_trimmed(log: Log, archive: Path) -> None:
    """Trim all that may go, and compare what both tiers hold with what the log held."""
    whole = {tp: plain(await read_all(log, tp)) for tp in BOTH}
    if any(records[0].offset for records in whole.values()):
        raise AssertionError("call it while the log has all records")
    await archive_all(archiver(log, archive))
    assert await faults_of(log, archive) == []
    await trim(log)
    async with tiered(log, archive) as both:
        assert {tp: plain(await read_all(both, tp)) for tp in BOTH} == whole


@pytest.mark.parametrize("step", ["writing", "written", "compared", "archived"])
async def test_a_kill_at_any_step_loses_and_doubles_nothing(log: Log, tmp_path: Path, step: str) -> None:
    await log.create_topic(SPEC)
    await fill(log, 200)
    await archive_all(archiver(log, tmp_path))
    await fill(log, 200, 200)
    process = await start(log, tmp_path, step, "SIGKILL")
    assert await process.wait() == -signal.SIGKILL
    await fill(log, 100, 400)
    await equal_when_trimmed(log, tmp_path)


async def test_a_kill_while_files_are_merged_changes_nothing(log: Log, tmp_path: Path) -> None:
    await log.create_topic(SPEC)
    for number in range(MERGE_MIN):
        await fill(log, 20, number * 20)
        await archive_all(archiver(log, tmp_path))
    process = await start(log, tmp_path, "merging", "SIGKILL")
    assert await process.wait() == -signal.SIGKILL
    files = archiver(log, tmp_path)
    [info] = await files.topics()
    assert await Upkeep(files, 0).merge(info, 0) == MERGE_MIN
    assert len((await files.manifests.of_topic(TOPIC))[0].segments) == 1
    await equal_when_trimmed(log, tmp_path)


async def test_an_archiver_that_was_paused_beyond_its_lease_does_no_harm(log: Log, tmp_path: Path) -> None:
    await log.create_topic(SPEC)
    await fill(log, 200)
    process = await start(log, tmp_path, "compared", "SIGSTOP")
    status = Path(f"/proc/{process.pid}/stat")
    await until(lambda: status.read_text().rpartition(")")[2].split()[0] == "T")
    await archive_all(archiver(log, tmp_path))
    await fill(log, 100, 200)
    os.kill(process.pid, signal.SIGCONT)
    output, _ = await process.communicate()
    assert output.strip() == b"moved"
    await equal_when_trimmed(log, tmp_path)


async def test_of_two_archivers_at_once_the_slower_one_is_refused(log: Log, tmp_path: Path) -> None:
    await log.create_topic(SPEC)
    await fill(log, 100)

    async def overtaken(step: str, tp: TopicPartition, /) -> None:
        if step == "compared" and tp == BOTH[0]:
            await archive_all(archiver(log, tmp_path))

    slower = Archiver(log, Storage(str(tmp_path)), overtaken)
    with pytest.raises(ManifestMovedError):
        await archive_all(slower)
    await equal_when_trimmed(log, tmp_path)


async def saved(log: Log) -> dict[Any, Any]:
    """Return all keys of the log, as a backup does."""
    return {key: await log.redis.dump(key) for key in await log.redis.keys(f"{log.keys.prefix}*")}


async def restore(log: Log, backup: dict[Any, Any]) -> None:
    await log.redis.delete(*await log.redis.keys(f"{log.keys.prefix}*"))
    for key, value in backup.items():
        await log.redis.restore(key, 0, value)


async def test_a_log_that_is_restored_to_an_earlier_state_gets_an_archive_of_its_own_history(
    log: Log, tmp_path: Path
) -> None:
    await log.create_topic(SPEC)
    await fill(log, 200)
    await archive_all(archiver(log, tmp_path))
    backup = await saved(log)
    await fill(log, 200, 5_000)
    await archive_all(archiver(log, tmp_path))
    files = archiver(log, tmp_path)
    [info] = await files.topics()
    for number in range(MERGE_MIN):
        await fill(log, 10, 6_000 + number * 10)
        await archive_all(files)
    assert await Upkeep(files, 0).merge(info, 0) > 0
    await restore(log, backup)
    await fill(log, 300, 200)
    await equal_when_trimmed(log, tmp_path)


async def test_an_archiver_that_slept_through_a_restore_cannot_archive_what_it_read_before(
    log: Log, tmp_path: Path
) -> None:
    await log.create_topic(SPEC)
    await fill(log, 200)
    await archive_all(archiver(log, tmp_path))
    backup = await saved(log)
    await fill(log, 200, 5_000)

    async def asleep(step: str, tp: TopicPartition, /) -> None:
        if step == "compared" and tp == BOTH[0] and backup:
            await restore(log, backup)
            backup.clear()
            await fill(log, 300, 200)

    with pytest.raises(ManifestMovedError):
        await archive_all(Archiver(log, Storage(str(tmp_path)), asleep))
    await equal_when_trimmed(log, tmp_path)


async def test_what_was_read_of_another_server_is_not_archived(log: Log, tmp_path: Path) -> None:
    await log.create_topic(SPEC)
    await fill(log, 20)
    manifests = archiver(log, tmp_path).manifests
    present = Manifest((await log.topic(TOPIC)).incarnation)
    following = present.with_segments([Segment(0, 20, 0, 1, "", "file")])
    [last] = await log.tail(BOTH[0], 1)
    server = await manifests.server()
    with pytest.raises(ManifestMovedError):
        await manifests.replace(BOTH[0], present, following, Seen(server[::-1], last))
    assert (await manifests.replace(BOTH[0], present, following, Seen(server, last))).end == 20


async def test_a_topic_that_is_created_again_begins_an_archive_of_its_own(log: Log, tmp_path: Path) -> None:
    await log.create_topic(SPEC)
    await fill(log, 200, 7_000)
    await archive_all(archiver(log, tmp_path))
    await restore(log, {})
    log._topics.clear()
    await log.create_topic(SPEC)
    await fill(log, 150)
    await equal_when_trimmed(log, tmp_path)


class RottenStorage(Storage):
    """Changes a byte of each file as it is written, as a bad disk does."""

    def write(self, path: str, write: Callable[[Any], None]) -> int:
        def rotten(file: Any) -> None:
            whole = io.BytesIO()
            write(whole)
            content = bytearray(whole.getvalue())
            content[len(content) // 3] ^= 1
            file.write(content)

        return super().write(path, rotten)


async def test_a_file_that_was_not_written_as_meant_is_not_archived(log: Log, tmp_path: Path) -> None:
    await log.create_topic(SPEC)
    await fill(log, 300)
    with pytest.raises(DamagedFileError):
        await archive_all(Archiver(log, RottenStorage(str(tmp_path))))
    assert await Archiver(log, Storage(str(tmp_path))).manifests.of_topic(TOPIC) == {}
    await equal_when_trimmed(log, tmp_path)


@pytest.mark.parametrize("place", ["full", "read-only", "away"])
async def test_records_stay_in_the_log_while_nothing_can_be_written(log: Log, tmp_path: Path, place: str) -> None:
    await log.create_topic(SPEC)
    await fill(log, 300)
    archive = {"full": tmp_path / "full", "read-only": Path("/sys/archive"), "away": tmp_path / "file/archive"}[place]
    (tmp_path / "file").write_bytes(b"")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        if place == "full":
            resource.setrlimit(resource.RLIMIT_FSIZE, (512, limits[1]))
        with pytest.raises(StorageError):
            await archive_all(archiver(log, archive))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    for _ in range(5):
        await log.trim(TOPIC, [0, 1], 100_000)
        await asyncio.sleep(0.02)
    assert await log.beginning_offsets(TOPIC) == {0: 0, 1: 0}
    assert Storage(str(tmp_path)).files() == [(("file"), 0, ANY)]
    await equal_when_trimmed(log, tmp_path / "again")
