"""The supervisor restarts crashed children, logs that, and stops everything in order."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.run.supervisor import Command, StopRequested, Supervisor, stop_on_signals
from deploy.server import process

WAIT_S = 20.0
GRACE_S = 5.0


@pytest.fixture
def messages() -> list[str]:
    return []


@pytest.fixture
def supervisor(messages: list[str]) -> Iterator[Supervisor]:
    running = Supervisor(messages.append)
    yield running
    running.stop()


def python(code: str, *arguments: str) -> Command:
    return Command([sys.executable, "-c", code, *arguments], os.environ, GRACE_S)


def within(seconds: float, condition: Callable[[], bool]) -> Callable[[], bool]:
    deadline = time.monotonic() + seconds

    def check() -> bool:
        assert time.monotonic() < deadline, "it did not happen in time"
        return condition()

    return check


def test_a_crashed_child_is_started_again_and_the_restart_is_logged(
    supervisor: Supervisor, messages: list[str]
) -> None:
    child = python("import time; time.sleep(600)")
    supervisor.keep("worker 1", child)
    assert child.child is not None
    first = child.child.pid
    child.child.kill()
    supervisor.run(until=within(WAIT_S, lambda: child.child is not None and child.child.pid != first))
    assert messages == ["worker 1 ended (by SIGKILL); it is started again in 0.5 s", "worker 1 was started again"]
    assert child.exit_code is None


def test_the_pause_between_restarts_grows(supervisor: Supervisor, messages: list[str]) -> None:
    supervisor.keep("api", python("raise SystemExit(3)"))
    supervisor.run(until=within(WAIT_S, lambda: len(messages) >= 5))
    assert [line for line in messages if "ended" in line][:3] == [
        f"api ended (status 3); it is started again in {pause} s" for pause in ("0.5", "1", "2")
    ]


def test_a_child_that_runs_once_is_not_started_again(supervisor: Supervisor, messages: list[str]) -> None:
    once, after = python("pass"), python("pass")
    supervisor.keep("replay", once, once=True)
    supervisor.run(until=within(WAIT_S, lambda: once.exit_code is not None))
    supervisor.keep("check", after, once=True)
    supervisor.run(until=within(WAIT_S, lambda: after.exit_code is not None))
    assert messages == []


def test_it_stops_in_reverse_order_and_leaves_nothing(messages: list[str], tmp_path: Path) -> None:
    order = tmp_path / "order"
    code = (
        "import signal, sys\n"
        "def end(*_):\n"
        "    open(sys.argv[1], 'a').write(sys.argv[2] + ' ')\n"
        "    raise SystemExit\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "open(sys.argv[1] + sys.argv[2], 'w').close()\n"
        "signal.pause()\n"
    )
    supervisor = Supervisor(messages.append)
    names = ("server", "worker", "api")
    children = [python(code, str(order), name) for name in names]
    for name, child in zip(names, children, strict=True):
        supervisor.keep(name, child)
    supervisor.run(until=within(WAIT_S, lambda: all(Path(f"{order}{name}").exists() for name in names)))
    supervisor.stop()
    assert order.read_text().split() == ["api", "worker", "server"]
    assert all(child.child and not process.alive(child.child.pid) for child in children)
    assert messages == []


def test_a_stubborn_child_is_killed_after_its_grace(messages: list[str], tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    code = (
        "import pathlib, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "pathlib.Path(sys.argv[1]).touch()\n"
        "time.sleep(600)\n"
    )
    stubborn = Command([sys.executable, "-c", code, str(ready)], os.environ, grace_s=0.2)
    supervisor = Supervisor(messages.append)
    supervisor.keep("worker 1", stubborn)
    supervisor.run(until=within(WAIT_S, ready.exists))
    supervisor.stop()
    assert messages == ["worker 1 did not stop in time and was killed"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_asks_to_stop_once(number: signal.Signals, supervisor: Supervisor) -> None:
    def give_signal() -> bool:
        os.kill(os.getpid(), number)
        return False

    with stop_on_signals():
        with pytest.raises(StopRequested):
            supervisor.run(until=give_signal)
        os.kill(os.getpid(), number)  # Further signals change nothing while the supervisor stops.
