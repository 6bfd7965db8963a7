"""Work of the background that is under way ends before its task is cancelled."""

from __future__ import annotations

import asyncio

import pytest

from api.kit import background
from api.kit.background import uninterrupted


async def test_work_under_way_ends_before_its_task_is_cancelled() -> None:
    ended: list[str] = []
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def read() -> None:
        begun.set()
        await may_end.wait()
        ended.append("the read")

    task = asyncio.create_task(uninterrupted(read()))
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["the read"]


async def test_work_that_never_ends_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "END_S", 0.01)
    work = asyncio.Event()
    task = asyncio.create_task(uninterrupted(wait(work)))
    await asyncio.sleep(0)
    task.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await task


async def wait(event: asyncio.Event) -> None:
    await event.wait()
