"""Ask a node of Starknet whether an account contract accepts a signature (SNIP-6, `is_valid_signature`).

Only the answer `VALID` counts. No answer, another chain, or an answer that is not JSON-RPC is `NodeUnavailableError`.
The URL may contain a key, so that no error or log line repeats it.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Mapping, Sequence
from enum import Enum, auto
from itertools import count
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import httpx
import orjson

from api.identity.wallets.felts import short_string

ANSWER_S: Final = 5.0
"""How long all calls of one check may take together."""
ANSWER_BYTES_MAX: Final = 65_536
CHECKS_AT_ONCE: Final = 50
"""Checks in flight. More would only wait at the node."""
RETRY_S: Final = 5
VALID: Final = short_string("VALID")
IS_VALID_SIGNATURE: Final = "0x28420862938116cb3bbdbedee07451ccc54d4e9412dbef71142ad1980a30941"
"""The selector of `is_valid_signature`: its Keccak hash, cut to 250 bits."""
CONTRACT_NOT_FOUND: Final = 20
REFUSALS: Final = frozenset({21, 40})
"""Errors of RPC 0.8 and later with which an account says no: it has no such entry point, or it reverted."""

logger = logging.getLogger(__name__)


class NodeUnavailableError(Exception):
    """No node can tell just now whether a signature is valid. The message may be shown to the caller.

    Attributes:
        reason: The fault of the node, as the log names it for operators.
    """

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason or message


class Verdict(Enum):
    """The chain's answer about a signature."""

    VALID = auto()
    INVALID = auto()
    NOT_DEPLOYED = auto()


class Node:
    """A client of one node."""

    def __init__(self, url: str, chain_id: str) -> None:
        parsed = httpx.URL(url)
        self._url = parsed.copy_with(username=None, password=None)
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if parsed.userinfo:
            self._headers["Authorization"] = f"Basic {base64.b64encode(unquote_to_bytes(parsed.userinfo)).decode()}"
        self._chain_id = chain_id
        self._transport = httpx.AsyncHTTPTransport(retries=1)  # a client would log the URL
        self._numbers = count(1)
        self._checks = 0

    async def is_valid_signature(self, address: int, signed_hash: int, signature: Sequence[int]) -> Verdict:
        """Return whether the account at an address accepts a signature, at the latest block.

        Raises:
            NodeUnavailableError: the node cannot tell, or it is of another chain.
        """
        calldata = [signed_hash, len(signature), *signature]
        call = {
            "contract_address": hex(address),
            "entry_point_selector": IS_VALID_SIGNATURE,
            "calldata": [hex(each) for each in calldata],
        }
        return _verdict(await self._checked("starknet_call", {"request": call, "block_id": "latest"}))

    async def check_chain(self) -> None:
        """Check that the node answers and is of the right chain.

        Raises:
            NodeUnavailableError: otherwise.
        """
        await self._checked("starknet_specVersion", {})

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    async def _checked(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Call a method after the node has said that it is of the right chain."""
        if self._checks >= CHECKS_AT_ONCE:
            raise NodeUnavailableError("too many wallets are being checked just now; try again")
        self._checks += 1
        try:
            async with asyncio.timeout(ANSWER_S):
                answer = await self._call("starknet_chainId", {})
                if answer.get("result") != hex(short_string(self._chain_id)):
                    raise _away(f"is not of the chain {self._chain_id}")
                return await self._call(method, params)
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, OSError) as exc:
            raise _away(f"gave no answer ({type(exc).__name__})") from exc
        finally:
            self._checks -= 1

    async def _call(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        number = next(self._numbers)
        body = orjson.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        request = httpx.Request(
            "POST",
            self._url,
            content=body,
            headers=self._headers,
            extensions={"timeout": httpx.Timeout(ANSWER_S).as_dict()},
        )
        response = await self._transport.handle_async_request(request)
        try:
            if response.status_code != httpx.codes.OK:
                raise _away(f"answered with status {response.status_code}")
            answer = _object(await _read(response))
        finally:
            await response.aclose()
        if answer.get("id") != number or answer.get("jsonrpc") != "2.0":
            raise _away("gave the answer to another question")
        return answer


async def _read(response: httpx.Response) -> bytes:
    read = bytearray()
    async for chunk in response.aiter_raw():
        read += chunk
        if len(read) > ANSWER_BYTES_MAX:
            raise _away("gave too long an answer")
    return bytes(read)


def _object(raw: bytes) -> dict[str, Any]:
    try:
        answer = orjson.loads(raw)
    except orjson.JSONDecodeError as exc:
        raise _away("gave an answer that is no JSON") from exc
    if not isinstance(answer, dict):
        raise _away("gave an answer that is no JSON object")
    return answer


def _verdict(answer: Mapping[str, Any]) -> Verdict:
    error = answer.get("error")
    if error is not None:
        code = error.get("code") if isinstance(error, dict) else None
        if code == CONTRACT_NOT_FOUND:
            return Verdict.NOT_DEPLOYED
        if code in REFUSALS:
            return Verdict.INVALID
        raise _away(f"reported the error {code!r}"[:80])
    result = answer.get("result")
    if not isinstance(result, list):
        raise _away("gave an answer without a result")
    return Verdict.VALID if result == [hex(VALID)] else Verdict.INVALID


def _away(why: str) -> NodeUnavailableError:
    logger.warning("the Starknet node %s", why)
    return NodeUnavailableError("the Starknet node cannot check this wallet just now; try again", f"the node {why}")
