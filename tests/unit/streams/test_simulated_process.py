"""A simulated crash ends a process at once, as SIGKILL does: nothing that it had still to do takes effect."""

from __future__ import annotations

import gc
import warnings
from collections.abc import AsyncIterator
from random import Random

from faust_redis.testing.client import Client
from faust_redis.testing.loop import Agenda, ProcessLoop
from faust_redis.testing.network import Network
from faust_redis.testing.server import Server


def process() -> tuple[Agenda, Network, ProcessLoop]:
    agenda = Agenda(Random(1))
    loop = ProcessLoop(agenda, lambda text: None)  # type: ignore[abstract]
    return agenda, Network(agenda, Server(lambda: 0)), loop


def test_a_crash_ends_the_turn() -> None:
    _, _, loop = process()
    ran: list[str] = []

    async def begin() -> None:
        ran.append("a task that began after the crash")

    def crash() -> None:
        loop.call_soon(lambda: ran.append("after the crash"))
        loop.create_task(begin())
        loop.dead = True

    def turn() -> None:
        ran.append("before the crash")
        loop.call_soon(crash)

    loop.turn(turn)
    assert ran == ["before the crash"]


def test_a_crashed_process_sends_nothing() -> None:
    agenda, network, loop = process()
    client = Client(network, "w0", loop)
    arrived: list[object] = []
    network.before = lambda _sender, command: arrived.append(command[1])

    def crash_and_send() -> None:
        client.execute_command("HGETALL", "before the crash")
        loop.dead = True
        client.execute_command("HGETALL", "after the crash")

    loop.turn(crash_and_send)
    while agenda.next_us() is not None:
        agenda.step()
    assert arrived == ["before the crash"]


def test_a_generator_of_a_process_that_never_runs_again_is_dropped_in_silence() -> None:
    async def numbers() -> AsyncIterator[int]:
        yield 1
        yield 2

    async def read_one(generator: AsyncIterator[int]) -> None:
        await anext(generator)

    def leave_one_open() -> None:
        _, _, loop = process()
        generator = numbers()
        loop.turn(lambda: loop.create_task(read_one(generator)))
        assert loop.open_generators() == [generator]

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        leave_one_open()
        gc.collect()
        gc.collect()
    assert not warned
