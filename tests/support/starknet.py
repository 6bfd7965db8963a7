"""Wallets of Starknet for tests, and a server that answers as a node does for the accounts that it is given.

Signatures are made and checked by the real curve. The server knows no blocks; the real node of
`tests/identity/wallets/test_devnet.py` shows that its answers are those of a node.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from starknet_py.hash.address import compute_address
from starknet_py.hash.utils import private_to_stark_key, verify_message_signature
from starknet_py.utils.typed_data import TypedData

from api.identity.wallets.config import CLASSES, AccountClass, account_classes_of
from api.identity.wallets.felts import CURVE_ORDER, SIGNATURE_R_MAX, padded, short_string
from api.identity.wallets.node import IS_VALID_SIGNATURE, VALID

CHAIN: Final = "SN_SEPOLIA"
OPENZEPPELIN, ARGENT = account_classes_of(CLASSES)


def account_at(account_class: AccountClass, public_key: int) -> str:
    """Return the address at which a key deploys an account."""
    calldata = account_class.constructor_calldata(public_key)
    address = compute_address(class_hash=account_class.class_hash, constructor_calldata=calldata, salt=public_key)
    return padded(address)


@dataclass(frozen=True)
class Signer:
    """A key, and the account of OpenZeppelin's class that it would deploy."""

    private_key: int

    @cached_property
    def public_key(self) -> int:
        return private_to_stark_key(self.private_key)

    @cached_property
    def address(self) -> str:
        """The address before and after the account is deployed."""
        return account_at(OPENZEPPELIN, self.public_key)

    def sign(self, typed_data: dict[str, Any], address: str | None = None) -> list[str]:
        """Sign as the account at an address; at the signer's own when there is none."""
        signed_hash = TypedData.from_dict(typed_data).message_hash(int(address or self.address, 16))  # type: ignore[arg-type]
        return [hex(part) for part in self.sign_hash(signed_hash)]

    def sign_hash(self, signed_hash: int) -> tuple[int, int]:
        """Sign by ECDSA. The public key of a one-time key is its point, so that this takes 2 ms; the library's 100."""
        while True:
            once = secrets.randbelow(CURVE_ORDER - 1) + 1
            r = private_to_stark_key(once)
            inverse = pow(signed_hash + r * self.private_key, -1, CURVE_ORDER) * once % CURVE_ORDER
            if 0 < r < SIGNATURE_R_MAX and 0 < inverse < SIGNATURE_R_MAX:
                return r, pow(inverse, -1, CURVE_ORDER)


@dataclass
class Chain:
    """The accounts that the node knows, and its faults.

    Attributes:
        accounts: The key of each deployed account, by its address.
        chain_id: The chain that the node says it is of.
        answer: Every answer instead of the right one: a status and a body. None for right answers.
        status: The status of right answers.
        delay_s: How long each answer takes.
        result: What accounts answer to a valid signature.
        calls: The methods that were called.
    """

    accounts: dict[int, int] = field(default_factory=dict)
    chain_id: str = CHAIN
    answer: tuple[int, bytes] | None = None
    status: int = 200
    delay_s: float = 0
    result: list[str] = field(default_factory=lambda: [hex(VALID)])
    calls: list[str] = field(default_factory=list)
    url: str = ""

    def reset(self) -> None:
        """Forget all accounts and faults."""
        fresh = Chain(url=self.url)
        self.__dict__.update(fresh.__dict__)

    def deploy(self, signer: Signer, address: str | None = None) -> None:
        self.accounts[int(address or signer.address, 16)] = signer.public_key

    def call(self, method: str, params: Any) -> dict[str, Any]:
        """Return the result or the error of a call."""
        self.calls.append(method)
        match method:
            case "starknet_chainId":
                return {"result": hex(short_string(self.chain_id))}
            case "starknet_specVersion":
                return {"result": "0.10.2"}
            case "starknet_call":
                return self._is_valid_signature(params["request"])
        return {"error": {"code": -32601, "message": "Method not found"}}

    def _is_valid_signature(self, request: dict[str, Any]) -> dict[str, Any]:
        assert request["entry_point_selector"] == IS_VALID_SIGNATURE
        key = self.accounts.get(int(request["contract_address"], 16))
        if key is None:
            return {"error": {"code": 20, "message": "Contract not found"}}
        signed_hash, parts, *signature = (int(each, 16) for each in request["calldata"])
        assert parts == len(signature)
        try:
            valid = parts == 2 and verify_message_signature(signed_hash, signature, key)
        except ValueError:
            valid = False
        return {"result": self.result if valid else ["0x0"]}


@contextmanager
def node() -> Iterator[Chain]:
    """Serve JSON-RPC on a free port."""
    chain = Chain()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            time.sleep(chain.delay_s)
            right = {"jsonrpc": "2.0", "id": asked["id"], **chain.call(asked["method"], asked["params"])}
            status, body = chain.answer or (chain.status, json.dumps(right).encode())
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that gives up is no error of the test."""

    server = Server(("127.0.0.1", 0), Handler)
    chain.url = f"http://127.0.0.1:{server.server_address[1]}/rpc/hunter2"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield chain
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
