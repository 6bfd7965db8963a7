"""A devnet of its own that tests kill and start again. It starts with what it had noted before it was killed."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from click.testing import CliRunner

from deploy.cli.main import cli
from tests.chain.deployed import Chain
from tests.chain.indexing import CHAIN_ID
from tests.chain.node import Node
from tests.support.devnet import OPTIONS, find_devnet

USUAL: Final = (*OPTIONS, "--accounts", "8", "--dump-on", "request")
START_S: Final = 300
"""A restart executes all noted transactions again."""
WAIT_S: Final = 0.05


class KilledNode:
    """A node. By its usual options it loses what was not noted, as one that lost its last blocks does."""

    def __init__(self, folder: Path, options: Sequence[str]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}/rpc"
        self._folder, self._options = folder, options
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the node and wait until it answers."""
        program = find_devnet()
        assert program is not None
        placed = ["--port", str(self._port), "--dump-path", str(self._folder / "noted")]
        with (self._folder / "devnet.log").open("ab") as output:
            command = [program, *self._options, *placed]
            self._process = subprocess.Popen(command, stdout=output, stderr=output)
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            assert self._process.poll() is None, (self._folder / "devnet.log").read_text("utf-8")[-3_000:]
            with suppress(OSError):
                node = Node(self.url)
                node.height()
                node.close()
                return
            time.sleep(WAIT_S)
        raise AssertionError("the node does not start")

    def note(self) -> None:
        """Note all that the chain has. What comes later is lost when the node is killed."""
        node = Node(self.url)
        node.ask("devnet_dump")
        node.close()

    def kill(self) -> None:
        """Send SIGKILL."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()


class Base(NamedTuple):
    """A chain that has the contracts, as a file of devnet, and the settings that follow them."""

    noted: Path
    settings: Mapping[str, str]


@contextmanager
def killed_node(folder: Path, *options: str) -> Iterator[tuple[KilledNode, Chain]]:
    """Run a node while the block runs, with the usual options unless others are given."""
    running = KilledNode(folder, options or USUAL)
    running.start()
    chain = Chain.at(running.url)
    try:
        yield running, chain
    finally:
        chain.node.close()
        running.kill()


def deployed(folder: Path) -> Base:
    """Deploy the contracts as `astratrade chain devnet` does, and note the chain."""
    password, settler, minter = (folder / name for name in ("password", "settler.json", "minter.json"))
    password.write_text("correct horse")
    settings = {"ASTRA_STARKNET_CHAIN_ID": CHAIN_ID, "ASTRA_SETTLEMENT_PASSWORD_FILE": str(password)}
    with killed_node(folder) as (node, _):
        environment = settings | {"ASTRA_STARKNET_NODE_URL": node.url, "ASTRA_DATA_DIR": str(folder)}
        options = ("--keystore", str(settler), "--sink-keystore", str(minter))
        found = CliRunner().invoke(cli, ["chain", "devnet", *options], env=environment, catch_exceptions=False)
        assert found.exit_code == 0, found.output
        node.note()
    printed = dict(line.split("=", 1) for line in found.output.splitlines() if line.startswith("ASTRA_"))
    keys = {"ASTRA_SETTLEMENT_KEYSTORE": str(settler), "ASTRA_SINK_KEYSTORE": str(minter)}
    return Base(folder / "noted", settings | printed | keys | {"ASTRA_SINK_PASSWORD_FILE": str(password)})
