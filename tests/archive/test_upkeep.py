"""Files are merged, removed when they are old, compared, and given up; readers go on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from faust_redis.archive import DamagedArchiveError, files, segments
from faust_redis.archive.archiver import Archiver
from faust_redis.archive.upkeep import MERGE_MIN, SPAN_MS_MAX, UNNAMED_S, Upkeep, mergeable
from faust_redis.archive.verify import drop, verify
from faust_redis.log import Log, TopicPartition, TopicSpec
from faust_redis.log.archived import Manifest, Segment

from tests.archive.world import BOTH, SPEC, TOPIC, archive_all, archiver, fill, plain, read_all, tiered, trim

PLACE = TopicPartition(TOPIC, 0)


async def small_files(log: Log, archive: Path, count: int) -> Archiver:
    """Archive `count` files of 20 records of each partition."""
    await log.create_topic(SPEC)
    for number in range(count):
        await fill(log, 20, number * 20)
        await archive_all(archiver(log, archive))
    return archiver(log, archive)


async def first_file(archive: Archiver, number: int = 0) -> Path:
    """Return where the nth file of the first partition is."""
    [info] = await archive.topics()
    manifest = (await archive.manifests.of_topic(TOPIC))[0]
    return Path(archive.storage.shown(archive.place(info, 0).segment(manifest.segments[number].name)))


async def faults(archive: Archiver) -> list[str]:
    [info] = await archive.topics()
    return [fault for one in [one async for one in verify(archive, info)] for fault in one.faults]


def test_adjacent_small_files_are_merged_and_nothing_else() -> None:
    def run(*sizes: int, first: int = 0) -> list[Segment]:
        return [Segment(first + n, first + n + 1, n, size, "", str(n)) for n, size in enumerate(sizes)]

    small = run(*[1_000] * MERGE_MIN)
    assert mergeable(small) == small
    assert not mergeable(small[1:])
    assert not mergeable([*small[: MERGE_MIN // 2], *run(*[1_000] * (MERGE_MIN // 2), first=100)])  # a gap between
    large = run(300 << 20, *[1_000] * MERGE_MIN)
    assert mergeable(large) == large[1:]
    old = [segment._replace(until_ms=n * SPAN_MS_MAX) for n, segment in enumerate(small)]
    assert not mergeable(old)
    mixed = run(*[100_000] * (MERGE_MIN - 1), *[1_000] * (MERGE_MIN - 1))
    assert mergeable(mixed) == mixed  # of the next class, which the small ones belong to as well
    assert not mergeable(run(*[200 << 20] * MERGE_MIN))


async def test_a_merged_archive_reads_as_before(log: Log, tmp_path: Path) -> None:
    archive = await small_files(log, tmp_path, MERGE_MIN + 2)
    whole = {tp: plain(await read_all(log, tp)) for tp in BOTH}
    [info] = await archive.topics()
    upkeep = Upkeep(archive, 0)
    assert [await upkeep.merge(info, 0), await upkeep.merge(info, 0)] == [MERGE_MIN + 2, 0]
    assert await faults(archive) == []
    await trim(log)
    async with tiered(log, tmp_path) as both:
        assert {tp: plain(await read_all(both, tp)) for tp in BOTH} == whole


async def test_a_reader_finds_the_merged_file(log: Log, tmp_path: Path) -> None:
    archive = await small_files(log, tmp_path, MERGE_MIN)
    await trim(log)
    async with tiered(log, tmp_path) as both:
        assert (await both.fetch({PLACE: 0}, count=1))[PLACE][0].offset == 0  # knows the small files now
        gone = await first_file(archive, 3)
        [info] = await archive.topics()
        await Upkeep(archive, 0).merge(info, 0)
        gone.unlink()
        assert [one.offset for one in (await both.fetch({PLACE: 61}, count=5))[PLACE]] == list(range(61, 66))


async def test_files_that_no_manifest_names_stay_for_a_week(log: Log, tmp_path: Path) -> None:
    archive = await small_files(log, tmp_path, MERGE_MIN)
    [info] = await archive.topics()
    await Upkeep(archive, 0).merge(info, 0)
    now_s = (await first_file(archive)).stat().st_mtime
    assert await Upkeep(archive, 0, lambda: now_s + UNNAMED_S - 60).sweep(info) == 0
    assert await Upkeep(archive, 0, lambda: now_s + UNNAMED_S + 60).sweep(info) == MERGE_MIN
    with archive.storage.reading(archive.place(info, 0).manifest) as copy:
        copied = Manifest.parse(b"80 " + copy.read())
    assert copied.segments == (await archive.manifests.of_topic(TOPIC))[0].segments
    assert await faults(archive) == []


async def test_old_files_go_but_not_what_a_group_has_yet_to_process(log: Log, tmp_path: Path) -> None:
    archive = await small_files(log, tmp_path, 4)
    [info] = await archive.topics()
    later_s = (await first_file(archive)).stat().st_mtime + 3_600
    await log.reset_offsets("slow", {PLACE: 45, BOTH[1]: 80})
    assert await Upkeep(archive, 60_000, lambda: later_s).expire(info, 0) == 2
    assert await Upkeep(archive, 60_000, lambda: later_s).expire(info, 1) == 3  # the last file stays
    assert await Upkeep(archive, 7_200_000, lambda: later_s).expire(info, 0) == 0
    await trim(log, 45)
    async with tiered(log, tmp_path) as both:
        assert (await both.beginning_offsets(TOPIC))[0] == 40


@pytest.mark.parametrize("damage", ["missing", "cut", "changed"])
async def test_a_damaged_file_holds_back_its_partition_and_names_the_file(
    log: Log, tmp_path: Path, damage: str
) -> None:
    archive = await small_files(log, tmp_path, 3)
    file = await first_file(archive, 1)
    await trim(log)
    content = file.read_bytes()
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(content[: len(content) // 2] if damage == "cut" else b"\0" * len(content))
    async with tiered(log, tmp_path) as both:
        fetched = await both.fetch_each({PLACE: 20, BOTH[1]: 20}, count=10)
        assert [one.offset for one in fetched.records[BOTH[1]]] == list(range(20, 30))
        error = fetched.damaged[PLACE]
        assert isinstance(error, DamagedArchiveError)
        assert str(file) in str(error)
        assert "archive drop" in str(error)
        assert (await both.fetch({PLACE: 40}, count=1))[PLACE][0].offset == 40


async def test_verify_finds_each_fault(log: Log, tmp_path: Path) -> None:
    archive = await small_files(log, tmp_path, 4)
    assert await faults(archive) == []
    [info] = await archive.topics()
    place, manifest = archive.place(info, 0), (await archive.manifests.of_topic(TOPIC))[0]
    other = [*segments.read(archive.storage, place, manifest.segments[1])]
    other[3] = other[3]._replace(value=b"changed")
    path = await first_file(archive, 1)
    archive.storage.write(place.segment(path.name), lambda file: _write(file, other))
    (await first_file(archive, 2)).unlink()
    without = manifest.without(manifest.segments[0].name)
    await archive.manifests.replace(place.tp, manifest, without._replace(segments=without.segments[:2]))
    await trim(log, 60)
    await log.redis.xtrim(log.keys.stream(*place.tp), minid="0-71", approximate=False)
    found = await faults(archive)
    for part in ("with digest", "it is not there", "neither archive nor log has records 60 to 69"):
        assert sum(part in fault for fault in found) == 1, found
    assert len(found) == 3


def _write(file: object, records: Sequence[object]) -> None:
    files.write(file, records)  # type: ignore[arg-type]


async def test_a_file_that_is_given_up_is_archived_again_from_what_the_log_has(log: Log, tmp_path: Path) -> None:
    archive = await small_files(log, tmp_path, 3)
    last = await first_file(archive, 2)
    last.write_bytes(b"")
    assert await drop(archive, "unknown") is None
    assert await drop(archive, last.name) is not None
    await archive_all(archive)
    assert await faults(archive) == []
    assert (await archive.manifests.of_topic(TOPIC))[0].end == 60


async def test_records_between_two_files_are_a_gap_that_readers_see(log: Log, tmp_path: Path) -> None:
    archive = await small_files(log, tmp_path, 4)
    middle = await first_file(archive, 1)
    await trim(log)
    assert await drop(archive, middle.name) is not None
    async with tiered(log, tmp_path) as both:
        assert (await both.beginning_offsets(TOPIC))[0] == 40
        assert (await both.fetch({PLACE: 25}))[PLACE][0].offset == 40
        assert (await both.fetch({PLACE: 0}, count=100))[PLACE][-1].offset == 19


async def test_a_changelog_is_archived_with_its_writers_and_read_only_by_who_asks(log: Log, tmp_path: Path) -> None:
    from faust_redis.archive import TieredLog
    from faust_redis.log import Record

    spec = TopicSpec("sums-changelog", 1, "compact", retention_ms=40, archived=True)
    await log.create_topic(spec)
    place = TopicPartition(spec.name, 0)
    for number in range(40):
        await log.append([Record(spec.name, 0, b"k%d" % n, b"%d" % number, 0, (), b"m1:7") for n in range(5)])
    whole = plain((await log.fetch({place: 0}, count=1_000))[place])
    assert {one.writer for one in whole} == {b"m1:7"}
    await archive_all(archiver(log, tmp_path))
    await log.redis.xtrim(log.keys.stream(*place), minid="0-190", approximate=False)
    async with tiered(log, tmp_path) as worker:
        assert (await worker.beginning_offsets(spec.name))[0] > 100
    async with TieredLog(log.url, log.keys.namespace, archive=str(tmp_path), compacted=True) as both:
        assert plain(await read_all(both, place)) == whole


def test_a_process_that_reads_no_file_does_not_import_pyarrow() -> None:
    code = "import sys, faust_redis.driver, deploy.cli.main; print({'pyarrow', 'duckdb'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout.strip() == b"set()"
