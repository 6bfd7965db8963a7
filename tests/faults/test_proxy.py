"""The proxy faults connections exactly as asked, and only then."""

import random
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.proxy import Link, Proxy

WAIT_S = 10.0
SHORTLY_S = 0.2
LINE = b"0123456789" * 100 + b"\n"


@pytest.fixture
def echo() -> Iterator[Path]:
    """Run a server on a Unix socket that answers each line with itself."""
    with tempfile.TemporaryDirectory() as directory, socket.socket(socket.AF_UNIX) as listener:
        path = Path(directory) / "s"
        listener.bind(str(path))
        listener.listen()
        threading.Thread(target=_serve, args=(listener,), daemon=True).start()
        yield path


def _serve(listener: socket.socket) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(connection,), daemon=True).start()


def _answer(connection: socket.socket) -> None:
    with connection, connection.makefile("rb") as lines:
        try:
            for line in lines:
                connection.sendall(line)
        except OSError:
            return


@pytest.fixture
def link(echo: Path) -> Iterator[Link]:
    with Proxy(echo) as proxy:
        yield proxy.link("w1")


@pytest.fixture
def client(link: Link) -> Iterator[socket.socket]:
    with connect(link) as connected:
        assert ask(connected) == LINE
        yield connected


def connect(link: Link) -> socket.socket:
    return socket.create_connection(("127.0.0.1", link.port), WAIT_S)


def ask(client: socket.socket) -> bytes:
    """Send a line; return its answer, or the part that came before the connection ended."""
    client.sendall(LINE)
    answer = b""
    while not answer.endswith(b"\n"):
        try:
            part = client.recv(65_536)
        except ConnectionResetError:
            part = b""
        if not part:
            return answer
        answer += part
    return answer


def test_a_cut_ends_every_connection_and_new_ones_are_taken(link: Link, client: socket.socket) -> None:
    assert link.cut() == 1
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    with connect(link) as again:
        assert ask(again) == LINE


def test_a_reply_is_torn_after_its_request_was_carried_out(link: Link, client: socket.socket) -> None:
    assert link.cut_in_reply(random.Random(4)) == 1
    answer = ask(client)
    assert len(answer) < len(LINE)
    assert LINE.startswith(answer)
    assert link.torn == 1
    with connect(link) as again:
        assert ask(again) == LINE, "only connections that were open"


def test_replies_are_spared_again(link: Link, client: socket.socket) -> None:
    link.cut_in_reply(random.Random(1))
    assert link.spare() == 0
    assert ask(client) == LINE


def test_a_stall_holds_back_and_loses_nothing(link: Link, client: socket.socket) -> None:
    link.stall()
    client.sendall(LINE)
    client.settimeout(SHORTLY_S)
    with pytest.raises(TimeoutError):
        client.recv(1)
    link.flow()
    client.settimeout(WAIT_S)
    assert client.recv(1) == b"0"


def test_a_fault_of_one_link_leaves_other_links_alone(echo: Path) -> None:
    with Proxy(echo) as proxy, connect(proxy.link("w2")) as other:
        assert ask(other) == LINE
        proxy.link("w1").stall()
        proxy.link("w1").cut()
        assert ask(other) == LINE


def test_while_the_broker_is_away_connections_are_closed(echo: Path) -> None:
    with Proxy(echo.with_name("nobody")) as proxy, connect(proxy.link("w1")) as client:
        assert ask(client) == b""
