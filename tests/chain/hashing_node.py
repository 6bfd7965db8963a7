"""A proxy in front of devnet that gives its blocks hashes as a network has them, and can answer wrongly on demand.

Devnet's hash of a block depends on its number and the count of its transactions alone: after blocks were aborted,
others get the same hashes. On a network, the hash commits to the parent and to the content. The proxy replaces each
hash by such a one, in requests and answers. Everything else is the node's.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from tests.chain.node import Node, RpcError

BLOCK_NOT_FOUND: Final = {"code": 24, "message": "Block not found"}
Fault = Callable[[str, dict[str, Any], Any], Any]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_: object) -> None:
        """Say nothing: the tests kill clients."""


class HashingNode:
    """The proxy. Change the chain inside `changing` only."""

    def __init__(self, url: str) -> None:
        self._node = Node(url)
        self._lock = threading.RLock()
        self._hashes: list[str] = []
        self._on_l1: int | None = None
        self.fault: Fault | None = None
        """Takes method, parameters and the right result; returns the result to answer with, or raises RpcError."""
        self.instead: Callable[[str, dict[str, Any]], Any] | None = None
        """Takes method and parameters; returns a result without asking the node, or None to ask it."""
        self.url = ""

    @contextmanager
    def changing(self, height: int | None = None) -> Iterator[None]:
        """Let no request in between; blocks above a height, if any is given, may be other ones afterwards."""
        with self._lock:
            yield
            if height is not None:
                del self._hashes[height + 1 :]

    @contextmanager
    def on_l1(self, height: int) -> Iterator[None]:
        """Say that Ethereum has accepted the blocks up to a height. Devnet cannot take that back, so it is not told."""
        self._on_l1 = height
        yield
        self._on_l1 = None

    @contextmanager
    def served(self) -> Iterator[HashingNode]:
        """Serve on a free port."""
        server = _Server(("127.0.0.1", 0), self._handler())
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}/rpc"
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
            self._node.close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                body = json.dumps({"jsonrpc": "2.0", "id": asked["id"], **proxy.answer(asked)}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return the result, or the error, of a request."""
        method, params = asked["method"], asked["params"]
        with self._lock:
            try:
                if self.instead and (found := self.instead(method, params)) is not None:
                    return {"result": found}
                result = self._mended(self._node.ask(method, **self._known(params)))
                return {"result": self.fault(method, params, result) if self.fault else result}
            except RpcError as exc:
                return {"error": exc.error}
            except (OSError, http.client.HTTPException):  # the node was killed: answer nothing, and connect anew
                self._node.close()
                raise

    def _known(self, value: Any) -> Any:
        """Replace our hashes by numbers.

        Raises:
            RpcError: the chain has no block of a hash.
        """
        if isinstance(value, list):
            return [self._known(each) for each in value]
        if value == "l1_accepted" and self._on_l1 is not None:
            return {"block_number": self._on_l1}
        if not isinstance(value, dict):
            return value
        if set(value) == {"block_hash"}:
            self._read()
            if value["block_hash"] not in self._hashes:
                raise RpcError("block_hash", BLOCK_NOT_FOUND)
            return {"block_number": self._hashes.index(value["block_hash"])}
        return {name: self._known(each) for name, each in value.items()}

    def _mended(self, value: Any) -> Any:
        """Replace the node's hashes by ours."""
        if isinstance(value, list):
            return [self._mended(each) for each in value]
        if not isinstance(value, dict):
            return value
        mended = {name: self._mended(each) for name, each in value.items()}
        if "block_hash" in mended and "block_number" in mended:
            mended["block_hash"] = self._hash(mended["block_number"])
            if "parent_hash" in mended:
                mended["parent_hash"] = self._hash(mended["block_number"] - 1)
        return mended

    def _hash(self, number: int) -> str:
        self._read()
        return self._hashes[number] if number >= 0 else f"0x{0:064x}"

    def _read(self) -> None:
        """Hash the blocks that are new."""
        for number in range(len(self._hashes), self._node.height() + 1):
            block = self._node.ask("starknet_getBlockWithTxHashes", block_id={"block_number": number})
            content = [self._hash_before(number), number, block["timestamp"], block["transactions"]]
            digest = hashlib.sha256(json.dumps([*content, block["event_commitment"]]).encode()).hexdigest()
            self._hashes.append(f"0x{int(digest, 16) >> 8:064x}")

    def _hash_before(self, number: int) -> str:
        return self._hashes[number - 1] if number else ""
