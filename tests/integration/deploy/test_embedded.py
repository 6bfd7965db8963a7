"""The embedded server: one for each directory, never an orphan, no acknowledged write lost, no file left behind."""

import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from faust_redis.log import Log, Record, TopicPartition, TopicSpec

from deploy.errors import BrokerError, LockedError
from deploy.server import process
from deploy.server.embedded import EmbeddedServer
from deploy.server.endpoint import answers, running_url, server_directory
from deploy.server.server_binary import ServerBinary, find_binary

WAIT_S = 20.0
HOLD = """
import sys, pathlib
from deploy.server.server_binary import find_binary
from deploy.server.embedded import EmbeddedServer
server = EmbeddedServer(pathlib.Path(sys.argv[1]), find_binary())
server.start()
print(server.pid, server.url, flush=True)
sys.stdin.read()
server.stop()
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(tmp_path, find_binary()) as running:
        yield running


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Start another process that runs a server on `tmp_path` until its standard input is closed."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        yield other
        other.kill()


def wait_for_end(pid: int) -> None:
    """Wait until a process that is not our child has ended."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    poll = select.poll()
    poll.register(fd)
    assert poll.poll(WAIT_S * 1000), f"process {pid} still runs"
    os.close(fd)


def socket_directory(url: str) -> Path:
    return Path(urlsplit(url).path).parent


def test_it_serves_on_a_private_socket_and_stops_clean(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path, find_binary())
    server.start()
    directory = socket_directory(server.url)
    assert directory.stat().st_mode & 0o077 == 0
    assert running_url(tmp_path) == server.url
    pid = server.pid
    assert server.stop()
    assert not process.alive(pid)
    assert not directory.exists()
    assert running_url(tmp_path) is None
    assert not (server_directory(tmp_path) / "server.pid").exists()


def test_two_cannot_share_a_directory(server: EmbeddedServer, tmp_path: Path) -> None:
    with pytest.raises(LockedError, match=f"is in use by process {os.getpid()}; stop it first"):
        EmbeddedServer(tmp_path, find_binary()).start()
    assert answers(Path(urlsplit(server.url).path))


def test_a_killed_supervisor_leaves_no_server(supervisor: subprocess.Popen[str], tmp_path: Path) -> None:
    assert supervisor.stdout is not None
    pid, url = supervisor.stdout.readline().split()
    assert running_url(tmp_path) == url
    supervisor.kill()
    supervisor.wait()
    wait_for_end(int(pid))
    # Files of the killed supervisor do not prevent a start, and the start removes them.
    with EmbeddedServer(tmp_path, find_binary()):
        assert not socket_directory(url).exists()


def test_another_process_finds_the_running_server(supervisor: subprocess.Popen[str], tmp_path: Path) -> None:
    assert supervisor.stdin is not None
    assert supervisor.stdout is not None
    _, url = supervisor.stdout.readline().split()
    assert running_url(tmp_path) == url
    with pytest.raises(LockedError, match=f"process {supervisor.pid}"):
        EmbeddedServer(tmp_path, find_binary()).start()
    supervisor.stdin.close()
    assert supervisor.wait(WAIT_S) == 0
    assert running_url(tmp_path) is None


async def test_acknowledged_writes_survive_a_kill_of_the_server(server: EmbeddedServer) -> None:
    async with Log(server.url, "kept") as log:
        await log.create_topic(TopicSpec("t", 1))
        for n in range(200):
            await log.append([Record("t", 0, None, b"%d" % n, n)])
    os.kill(server.pid, signal.SIGKILL)
    server._running().wait(WAIT_S)
    url = server.url
    server.launch()
    server._wait_until_ready()
    assert server.url == url
    async with Log(url, "kept") as log:
        records = (await log.fetch({TopicPartition("t", 0): 0}))[TopicPartition("t", 0)]
        assert [record.value for record in records] == [b"%d" % n for n in range(200)]


def test_a_server_that_does_not_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho 'Bad directive or wrong number of arguments'\nexit 3\n")
    broken.chmod(0o755)
    with pytest.raises(BrokerError, match=r"ended with status 3(?s:.*)Bad directive"):
        EmbeddedServer(tmp_path / "data", ServerBinary(broken, (7, 0, 0), "test")).start()
    with EmbeddedServer(tmp_path / "data", find_binary()):
        pass  # The failed start released the directory.


def test_a_data_directory_with_spaces_works(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path / "my data 'dir\"", find_binary()) as server:
        assert answers(Path(urlsplit(server.url).path))
        assert list((server.directory / "appendonlydir").iterdir())


def test_a_long_temporary_directory_is_no_hindrance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = tmp_path / ("x" * 120)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    with EmbeddedServer(tmp_path / "data", find_binary()) as server:
        assert len(server.url) < 108
    assert list(long.iterdir()) == []


def test_children_are_refused_outside_the_main_thread() -> None:
    errors: list[Exception] = []

    def start() -> None:
        try:
            process.spawn(["/bin/true"])
        except RuntimeError as exc:
            errors.append(exc)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert "main thread" in str(errors[0])


@pytest.mark.parametrize("mode", ["exec", "watch"])
def test_a_supervised_command_ends_with_its_supervisor(mode: str) -> None:
    script = (
        "import sys, time; from deploy.server import process\n"
        "ours, theirs = __import__('socket').socketpair()\n"
        "code = 'import os, sys, time; os.write(int(sys.argv[1]), str(os.getpid()).encode()); time.sleep(600)'\n"
        "argv = [sys.executable, '-c', code, str(theirs.fileno())]\n"
        f"process.spawn(argv, pass_fds=[theirs.fileno()], mode={mode!r})\n"
        "print(ours.recv(32).decode(), flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
        wait_for_end(pid)


def test_a_child_is_asked_to_end_only_once() -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as out:
        with os.fdopen(writer, "wb") as to:
            command = "trap 'echo asked; sleep 0.2' TERM; echo ready; for _ in 1 2; do sleep 0.2; done"
            child = process.spawn(["/bin/sh", "-c", command], output=to)
        assert out.readline() == b"ready\n"
        process.ask(child)
        assert out.readline() == b"asked\n"
        assert process.stop(child, WAIT_S)
        assert out.read() == b""


@pytest.mark.parametrize("mode", ["exec", "watch"])
def test_a_supervised_command_passes_its_status_and_stops_when_asked(mode: str) -> None:
    assert process.spawn(["/bin/sh", "-c", "exit 7"], mode=mode).wait(WAIT_S) == 7
    child = process.spawn(["/bin/sleep", "600"], mode=mode)
    assert process.stop(child, WAIT_S)
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as out, os.fdopen(writer, "wb") as to:
        command = "trap '' TERM; echo ready; while :; do sleep 1; done"
        stubborn = process.spawn(["/bin/sh", "-c", command], output=to, mode=mode)
        assert out.readline() == b"ready\n"
    assert not process.stop(stubborn, 0.5)
    assert not process.alive(stubborn.pid)


def test_a_socket_nobody_listens_on_does_not_answer(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "s"))
    assert not answers(tmp_path / "s")
