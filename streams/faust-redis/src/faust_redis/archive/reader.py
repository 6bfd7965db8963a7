"""Read records of segments by offset: a row group at a time, in a thread, with the next one read ahead."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any, NamedTuple

from faust_redis.archive import files
from faust_redis.archive.errors import DamagedFileError
from faust_redis.archive.paths import Place
from faust_redis.archive.storage import Storage
from faust_redis.log.archived import Segment
from faust_redis.log.records import StoredRecord

GROUPS_MAX = 16
"""Row groups in memory, each with at most `files.BYTES_MAX` of keys and values, and about one record more."""
OPEN_MAX = 16
"""Files that stay open."""


class _Open(NamedTuple):
    """An open segment, and the offset after the last record of each row group."""

    file: Any
    segment: Any
    ends: Sequence[int]


class SegmentReader:
    """Reads one archive. It belongs to one event loop; its thread does all reading, one row group after the other."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._groups: OrderedDict[tuple[str, int], asyncio.Task[list[StoredRecord]]] = OrderedDict()
        self._open: OrderedDict[str, _Open] = OrderedDict()
        """Touched by the thread alone."""

    @cached_property
    def _thread(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(1, "archive")

    async def read(self, place: Place, segment: Segment, offset: int, count: int) -> list[StoredRecord]:
        """Return up to `count` records of a segment, from an offset on that it holds.

        Raises:
            StorageError: the file cannot be read.
            DamagedFileError: it is not what was written.
        """
        path = place.segment(segment.name)
        ends = await self._in_thread(self._ends, path, segment.first)
        if not ends or ends[-1] != segment.end:
            raise DamagedFileError(f"it ends at {ends[-1] if ends else segment.first}, where {segment.end} was written")
        records: list[StoredRecord] = []
        for number, end in enumerate(ends):
            if end > offset:
                group = await self._group(path, segment.first, number)
                records += group[offset - group[0].offset :][: count - len(records)]
                if len(records) >= count or end == segment.end:
                    self._read_ahead(path, segment.first, number + 1, len(ends))
                    break
                offset = end
        return records

    def shown(self, place: Place, segment: Segment) -> str:
        """Return where a segment is, for messages."""
        return self._storage.shown(place.segment(segment.name))

    async def close(self) -> None:
        """Close all files."""
        for task in self._groups.values():
            task.cancel()
        await asyncio.gather(*self._groups.values(), return_exceptions=True)
        self._groups.clear()
        if "_thread" in self.__dict__:
            await self._in_thread(self._close_files)
            self._thread.shutdown()
            del self._thread

    async def _group(self, path: str, first: int, number: int) -> list[StoredRecord]:
        return await asyncio.shield(self._loading(path, first, number))

    def _read_ahead(self, path: str, first: int, number: int, count: int) -> None:
        if number < count:
            self._loading(path, first, number)

    def _loading(self, path: str, first: int, number: int) -> asyncio.Task[list[StoredRecord]]:
        """Return the task that reads a row group or has read it. A failed one is forgotten."""
        key = path, number
        if key in self._groups:
            self._groups.move_to_end(key)
            return self._groups[key]
        task = asyncio.create_task(self._in_thread(self._load, path, first, number), name=f"read {path}")
        self._groups[key] = task
        task.add_done_callback(lambda done: self._forget_failed(key, done))
        while len(self._groups) > GROUPS_MAX:
            self._groups.popitem(last=False)
        return task

    def _forget_failed(self, key: tuple[str, int], done: asyncio.Task[list[StoredRecord]]) -> None:
        if (done.cancelled() or done.exception() is not None) and self._groups.get(key) is done:
            del self._groups[key]

    async def _in_thread(self, call: Any, *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *args)

    def _ends(self, path: str, first: int) -> Sequence[int]:
        return self._opened(path, first).ends

    def _load(self, path: str, first: int, number: int) -> list[StoredRecord]:
        opened = self._opened(path, first)
        records = files.read_group(opened.segment, number)
        begin = opened.ends[number - 1] if number else first
        if [record.offset for record in records] != list(range(begin, opened.ends[number])):
            raise DamagedFileError(f"row group {number} does not hold records {begin} to {opened.ends[number] - 1}")
        return records

    def _opened(self, path: str, first: int) -> _Open:
        if path in self._open:
            self._open.move_to_end(path)
            return self._open[path]
        file = self._storage.open(path)
        try:
            segment = files.open_file(file)
        except BaseException:
            file.close()
            raise
        self._open[path] = _Open(file, segment, files.group_ends(segment, first))
        while len(self._open) > OPEN_MAX:
            self._open.popitem(last=False)[1].file.close()
        return self._open[path]

    def _close_files(self) -> None:
        while self._open:
            self._open.popitem()[1].file.close()
