"""A domain's thread: it restarts after a crash, stops when asked, and is isolated from other domains' threads."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from mode import Service

from deploy.run import domain_thread
from deploy.run.domain_thread import DomainThread

SOON_S = 10.0


class Steady(Service):
    """A service that runs until it is stopped."""

    def __init__(self) -> None:
        super().__init__()
        self.running, self.stopped = threading.Event(), threading.Event()

    async def on_started(self) -> None:
        self.running.set()

    async def on_stop(self) -> None:
        self.stopped.set()


class Crashing(Steady):
    """A service that fails a moment after its start."""

    @Service.task
    async def _fail(self) -> None:
        raise OSError("no space left on device")


class Unready(Steady):
    """A service that never gets ready: it waits for an absent broker."""

    async def on_start(self) -> None:
        self.running.set()
        await asyncio.sleep(3_600)


class Unwilling(Steady):
    """A service that does not stop."""

    async def on_stop(self) -> None:
        await asyncio.sleep(3_600)


class Blocked(Steady):
    """A service that blocks its event loop until the test frees it."""

    free = threading.Event()

    @Service.task
    async def _block(self) -> None:
        self.running.set()
        self.free.wait()


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(domain_thread, "BACKOFF_FIRST_S", 0.01)
    monkeypatch.setattr(domain_thread, "STOP_S", 0.2)
    monkeypatch.setattr(Blocked, "free", threading.Event())


@pytest.fixture
def threads() -> Iterator[list[DomainThread]]:
    """Collect the threads that a test starts, and end them with it."""
    started: list[DomainThread] = []
    yield started
    Blocked.free.set()
    for thread in started:
        thread.ask()
    assert all(thread.ended(SOON_S) for thread in started)


def run(threads: list[DomainThread], *kinds: type[Steady], domain: str = "trading") -> list[Steady]:
    """Run services in turn in one domain, repeating the last kind; return those that were made."""
    made: list[Steady] = []

    def services() -> list[Any]:
        made.append(kinds[min(len(made), len(kinds) - 1)]())
        return [made[-1]]

    threads.append(DomainThread("worker-1", domain, services))
    threads[-1].start()
    return made


def wait_for(made: list[Steady], number: int) -> Steady:
    deadline = time.monotonic() + SOON_S
    while len(made) < number:
        assert time.monotonic() < deadline, f"{len(made)} of {number} were made"
        time.sleep(0.01)
    assert made[number - 1].running.wait(SOON_S)
    return made[number - 1]


def test_a_domain_that_is_asked_to_stop_stops_its_services(threads: list[DomainThread]) -> None:
    service = wait_for(run(threads, Steady), 1)
    threads[0].ask()
    assert threads[0].ended(SOON_S)
    assert service.stopped.is_set()


def test_a_domain_that_crashed_is_started_again_with_new_services(
    threads: list[DomainThread], caplog: pytest.LogCaptureFixture
) -> None:
    made = run(threads, Crashing, Crashing, Steady)
    assert not wait_for(made, 3).stopped.is_set()
    assert [service.stopped.is_set() for service in made] == [True, True, False]
    messages = [record.getMessage() for record in caplog.records if record.name == domain_thread.__name__]
    assert messages == [f"domain trading crashed; it starts again in {pause} s" for pause in ("0.01", "0.02")]


def test_a_domain_can_be_stopped_before_it_is_ready(threads: list[DomainThread]) -> None:
    wait_for(run(threads, Unready), 1)
    threads[0].ask()
    assert threads[0].ended(SOON_S)


def test_a_domain_whose_services_do_not_stop_still_ends(
    threads: list[DomainThread], caplog: pytest.LogCaptureFixture
) -> None:
    wait_for(run(threads, Unwilling), 1)
    threads[0].ask()
    assert threads[0].ended(SOON_S)
    assert "domain trading did not stop within 0.2 s" in caplog.text


def test_a_domain_that_blocks_its_loop_stops_no_other(threads: list[DomainThread]) -> None:
    wait_for(run(threads, Blocked, domain="gamification"), 1)
    service = wait_for(run(threads, Steady), 1)
    for thread in threads:
        thread.ask()
    assert threads[1].ended(SOON_S)
    assert service.stopped.is_set()
    assert not threads[0].ended(0.1), "it cannot be ended from outside"


def test_a_domain_is_prepared_before_each_start(threads: list[DomainThread]) -> None:
    steps: list[str] = []
    kinds = iter((Crashing, Steady))

    async def prepare() -> None:
        steps.append("prepared")

    made: list[Steady] = []

    def services() -> list[Any]:
        steps.append("built")
        made.append(next(kinds)())
        return [made[-1]]

    threads.append(DomainThread("worker-1", "trading", services, prepare))
    threads[-1].start()
    wait_for(made, 2)
    assert steps == ["prepared", "built"] * 2


def test_a_domain_whose_preparation_failed_does_not_count_as_running(
    threads: list[DomainThread], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its event loop does not turn while it waits for the next try, and that is no reason to restart the worker."""
    monkeypatch.setattr(domain_thread, "BACKOFF_FIRST_S", 60.0)
    running: list[bool] = []

    async def prepare() -> None:
        await asyncio.sleep(0.05)
        running.append(thread.is_running)
        raise OSError("the broker is away")

    thread = DomainThread("worker-1", "trading", list, prepare)
    threads.append(thread)
    thread.start()
    deadline = time.monotonic() + SOON_S
    while not running or thread.is_running:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert running == [True]


def test_a_domain_that_is_being_prepared_can_be_stopped(threads: list[DomainThread]) -> None:
    began = threading.Event()

    async def prepare() -> None:
        began.set()
        await asyncio.Event().wait()

    threads.append(DomainThread("worker-1", "trading", list, prepare))
    threads[-1].start()
    assert began.wait(SOON_S)
    threads[-1].ask()
    assert threads[-1].ended(SOON_S)
