"""A synchronous JSON-RPC client of a Starknet node and of what only devnet can do."""

from __future__ import annotations

import http.client
import json
import re
from typing import Any, Final
from urllib.parse import urlsplit

CONTRACT_ERROR: Final = 40


class RpcError(Exception):
    """The node answered with an error."""

    def __init__(self, method: str, error: dict[str, Any]) -> None:
        super().__init__(f"{method}: {json.dumps(error)}")
        self.error = error


class ContractError(RpcError):
    """A contract panicked in a call; the message has the text of the panic."""

    def __str__(self) -> str:
        felts = re.findall("0x([0-9a-f]+)", str(self.error["data"]["revert_error"]["error"]))
        return ", ".join(
            bytes.fromhex(felt.zfill(len(felt) + len(felt) % 2)).decode("ascii", "replace") for felt in felts
        )


class Node:
    """A connection to a node, which stays open."""

    def __init__(self, url: str) -> None:
        self.url = url
        parts = urlsplit(url)
        assert parts.hostname
        self._path = parts.path or "/"
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
        self._time: int | None = None

    def ask(self, method: str, **parameters: Any) -> Any:
        """Call a method and return its result."""
        if self._time is not None and method.startswith("starknet_add"):
            self._pass(1)
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters})
        self._connection.request("POST", self._path, body, {"Content-Type": "application/json"})
        answer = json.loads(self._connection.getresponse().read())
        if "error" in answer:
            kind = ContractError if answer["error"]["code"] == CONTRACT_ERROR else RpcError
            raise kind(method, answer["error"])
        return answer["result"]

    def close(self) -> None:
        self._connection.close()

    def height(self) -> int:
        """Return the number of the newest block."""
        return int(self.ask("starknet_blockNumber"))

    def timestamp(self) -> int:
        """Return the time of the newest block, in seconds since 1970. The next transaction runs at this time, although
        its block has a later one.
        """
        return int(self.ask("starknet_getBlockWithTxHashes", block_id="latest")["timestamp"])

    def advance(self, seconds: int) -> None:
        """Let time pass, and make a block of then."""
        if self._time is None:
            self.ask("devnet_increaseTime", time=seconds)
        else:
            self._pass(seconds, generate_block=True)

    def stop_clock(self, at: int | None) -> None:
        """Make a block of a time, and let each later one be a second after the one before, whatever the clock says. So
        the same calls do the same again. None lets the clock go on.
        """
        self._time = at
        if at is not None:
            self._pass(0, generate_block=True)

    def turn_back_clock(self) -> None:
        """Make a block right after the newest one, and let the clock go on from there."""
        self._time = None
        self.ask("devnet_setTime", time=self.timestamp() + 1, generate_block=True)

    def _pass(self, seconds: int, *, generate_block: bool = False) -> None:
        assert self._time is not None
        self._time += seconds
        self.ask("devnet_setTime", time=self._time, generate_block=generate_block)

    def abort_to(self, height: int) -> None:
        """Undo all blocks above a height."""
        if self.height() > height:
            self.ask("devnet_abortBlocks", starting_block_id={"block_number": height + 1})
