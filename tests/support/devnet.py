"""A real Starknet node for tests: `starknet-devnet`, where one is found."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contracts.toolchain.tools import find
from tests.support.devnet_tool import DEVNET
from tests.support.starknet import Signer

START_S: Final = 60
ANY_PORT: Final = ("--port", "0")
OPTIONS: Final = ("--seed", "7", "--state-archive-capacity", "full", "--initial-balance", str(10**30))


@dataclass(frozen=True)
class Devnet:
    """A running node, and the first account that is deployed on it."""

    url: str
    address: str
    owner: Signer


def find_devnet() -> str | None:
    """Return the path of the program where it is found without building it."""
    return find(DEVNET)


@contextmanager
def devnet(program: str, directory: Path, *options: str) -> Iterator[Devnet]:
    """Run a node on a free port."""
    log = directory / "devnet.log"
    with (
        log.open("wb") as output,
        subprocess.Popen([program, *OPTIONS, *ANY_PORT, *options], stdout=output, stderr=output) as process,
    ):
        try:
            yield _started(process, log)
        finally:
            process.kill()


def _started(process: subprocess.Popen[bytes], log: Path) -> Devnet:
    until = time.monotonic() + START_S
    while not (listening := re.search(r"listening on (?:\x1b\[[0-9;]*m)*([0-9.:]+)", said := log.read_text("utf-8"))):
        assert process.poll() is None, said
        assert time.monotonic() < until, said
        time.sleep(0.1)
    address, key = (re.search(rf"{name}\s*\|\s*(0x[0-9a-f]+)", said) for name in ("Account address", "Private key"))
    assert address is not None, said
    assert key is not None, said
    return Devnet(f"http://{listening[1]}/rpc", address[1], Signer(int(key[1], 16)))
