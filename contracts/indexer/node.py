"""Reads blocks and events from a Starknet node by JSON-RPC 0.10. Numbers become `0x` and 64 digits.

Blocks are asked by their hash, so that one answer cannot mix two chains; events of a range name the block of each. The
URL may contain a key, so no error or log line repeats it.

Source: https://github.com/starkware-libs/starknet-specs/blob/v0.10.2/api/starknet_api_openrpc.json
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any, Final, NamedTuple
from urllib.parse import unquote_to_bytes

import httpx
import orjson

from contracts.indexer.addresses import padded
from contracts.indexer.chain_state import BlockRef
from contracts.indexer.errors import BlockGoneError, NodeError

ANSWER_S: Final = 10.0
LIMITS: Final = httpx.Limits(max_connections=16)
PAGE_EVENTS: Final = 1_000
PAGES_MAX: Final = 1_000
"""More pages of events than a block can have."""
CONTRACT_NOT_FOUND: Final = 20
BLOCK_NOT_FOUND: Final = 24
INVALID_CONTINUATION_TOKEN: Final = 33
CHAIN_CHANGED: Final = frozenset({BLOCK_NOT_FOUND, INVALID_CONTINUATION_TOKEN})


class Header(NamedTuple):
    """The header of a block, of which the node says that the chain has it. `time_s` is Unix time in seconds."""

    number: int
    hash: str
    parent_hash: str
    time_s: int

    @property
    def ref(self) -> BlockRef:
        """Return the number and the hash."""
        return BlockRef(self.number, self.hash)


class RawEvent(NamedTuple):
    """An event of a contract. The indexes are its places in the block and in the transaction."""

    block: BlockRef
    contract: str
    keys: tuple[int, ...]
    data: tuple[int, ...]
    tx_hash: str
    transaction_index: int
    event_index: int


class NodeRefusedError(NodeError):
    """The node answered with an error. `data` is what the node says beside its message."""

    def __init__(self, method: str, code: object, message: object, data: object = None) -> None:
        super().__init__(f"the node answers {method} with error {code}: {message}"[:200])
        self.code = code
        self.data = data


@contextmanager
def reading(answer: str) -> Iterator[None]:
    """Read an answer of a node.

    Raises:
        NodeError: it is not what the protocol says.
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as exc:
        raise NodeError(f"the node's {answer} cannot be read: {exc!r}") from exc


class Node:
    """A client of one node. Methods raise NodeError when it gives no answer, or one that cannot be."""

    def __init__(self, url: str) -> None:
        parsed = httpx.URL(url)
        self._url = parsed.copy_with(username=None, password=None)
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if parsed.userinfo:
            self._headers["Authorization"] = f"Basic {base64.b64encode(unquote_to_bytes(parsed.userinfo)).decode()}"
        # A client would log the URL. Without TLS, loading the authorities is most of the time in which this starts.
        self._transport = httpx.AsyncHTTPTransport(verify=parsed.scheme == "https", limits=LIMITS)
        self._numbers = count(1)
        self.errors = 0
        """Calls that failed since the start."""

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    async def chain_id(self) -> str:
        """Return the id of the node's chain, such as SN_MAIN."""
        answer = await self.ask("starknet_chainId", {})
        with reading("id of its chain"):
            number = int(answer, 16)
            return number.to_bytes((number.bit_length() + 7) // 8, "big").decode("ascii", errors="replace")

    async def head(self) -> Header:
        """Return the newest block."""
        return _header(await self.ask("starknet_getBlockWithTxHashes", {"block_id": "latest"}))

    async def at(self, number: int) -> Header | None:
        """Return the block of a number; None when the chain is shorter."""
        return await self._header_or_none({"block_number": number})

    async def newest_on_l1(self) -> Header | None:
        """Return the newest block whose proof Ethereum has accepted; None when there is none."""
        return await self._header_or_none("l1_accepted")

    async def spec_version(self) -> str:
        """Return the version of the protocol that the node speaks, such as 0.10.2."""
        return str(await self.ask("starknet_specVersion", {}))

    async def events(
        self, first: BlockRef | int, last: BlockRef, contracts: Sequence[str], enough: int | None = None
    ) -> tuple[list[RawEvent], int]:
        """Return the events of contracts in a range of blocks, in order, as the node's index has them.

        They are complete up to the returned block, which is the last one unless there are `enough` before.

        Raises:
            BlockGoneError: the chain does not have the blocks any more.
        """
        asked: dict[str, Any] = {
            "from_block": {"block_number": first} if isinstance(first, int) else {"block_hash": first.hash},
            "to_block": {"block_hash": last.hash}, "address": [*contracts], "chunk_size": enough or PAGE_EVENTS,
        }  # fmt: skip
        found: list[RawEvent] = []
        tokens: set[str] = set()
        for _ in range(PAGES_MAX):
            page = await self.ask("starknet_getEvents", {"filter": asked})
            with reading(f"events up to block {last.number}"):
                found += (_event(each, contracts) for each in page["events"])
                token = page.get("continuation_token")
            if token is None:
                return _sorted(found), last.number
            if token in tokens:
                raise NodeError(f"the node's pages of events up to block {last.number} do not advance")
            tokens.add(token)
            asked["continuation_token"] = token
            if enough and len(found) >= enough and found[0].block != found[-1].block:
                newest = found[-1].block.number
                return _sorted([event for event in found if event.block.number < newest]), newest - 1
        raise NodeError(f"the node's pages of events up to block {last.number} do not end")

    async def events_of_receipts(self, block: BlockRef, contracts: Sequence[str]) -> list[RawEvent]:
        """Return the events of contracts in a block as its receipts have them: slow, and independent of the index."""
        answer = await self.ask("starknet_getBlockWithReceipts", {"block_id": {"block_hash": block.hash}})
        with reading(f"receipts of block {block.number}"):
            if padded(int(answer["block_hash"], 16)) != block.hash:
                raise NodeError(f"the node answers with another block than {block.hash}")
            receipts = [each["receipt"] for each in answer["transactions"]]
            return list(_events_of(block, receipts, frozenset(contracts)))

    async def call(
        self, contract: str, selector: str, block: BlockRef, calldata: Sequence[int] = ()
    ) -> list[int] | None:
        """Return what a function returns at a block; None when the block lacks the contract."""
        felts = [hex(felt) for felt in calldata]
        request = {"contract_address": contract, "entry_point_selector": selector, "calldata": felts}
        try:
            answer = await self.ask("starknet_call", {"request": request, "block_id": {"block_hash": block.hash}})
        except NodeRefusedError as exc:
            if exc.code == CONTRACT_NOT_FOUND:
                return None
            raise
        with reading(f"result of a call of {contract}"):
            return [int(felt, 16) for felt in answer]

    async def nonce(self, contract: str, block: BlockRef | None = None) -> int:
        """Return an account's nonce, as of a block; by default the newest one."""
        asked = {"block_id": {"block_hash": block.hash} if block else "latest", "contract_address": contract}
        answer = await self.ask("starknet_getNonce", asked)
        with reading(f"nonce of {contract}"):
            return int(answer, 16)

    async def _header_or_none(self, block_id: Any) -> Header | None:
        try:
            return _header(await self.ask("starknet_getBlockWithTxHashes", {"block_id": block_id}))
        except BlockGoneError:
            return None

    async def ask(self, method: str, params: Mapping[str, Any]) -> Any:
        """Return the result of a method.

        Raises:
            BlockGoneError: the node does not have the block that was asked for.
            NodeRefusedError: the node answered with another error.
            NodeError: the node gave no answer, or none that can be read.
        """
        try:
            async with asyncio.timeout(ANSWER_S):
                answer = await self._post(method, params)
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, OSError) as exc:
            self.errors += 1
            raise NodeError(f"the node gave no answer to {method} ({type(exc).__name__})") from exc
        except NodeError:
            self.errors += 1
            raise
        error = answer.get("error")
        if error is None:
            return answer.get("result")
        code = error.get("code") if isinstance(error, dict) else None
        if code in CHAIN_CHANGED:
            raise BlockGoneError(f"the node does not have the block that {method} asked for")
        self.errors += code != CONTRACT_NOT_FOUND
        message, data = (error.get("message"), error.get("data")) if isinstance(error, dict) else (error, None)
        raise NodeRefusedError(method, code, message, data)

    async def _post(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        number = next(self._numbers)
        body = orjson.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        request = httpx.Request("POST", self._url, content=body, headers=self._headers)
        response = await self._transport.handle_async_request(request)
        try:
            raw = await response.aread()
        finally:
            await response.aclose()
        if response.status_code != httpx.codes.OK:
            raise NodeError(f"the node answered {method} with status {response.status_code}")
        try:
            answer = orjson.loads(raw)
        except orjson.JSONDecodeError as exc:
            raise NodeError(f"the node's answer to {method} is no JSON") from exc
        if not isinstance(answer, dict) or answer.get("id") != number:
            raise NodeError(f"the node gave the answer to another question than {method}")
        return answer


async def newest_final(node: Node, head: BlockRef, after: int) -> Header | None:
    """Return the newest block that is final; None when there is none.

    Args:
        node: The node.
        head: The newest block.
        after: How many blocks later a block is final; 0 if it is when Ethereum has accepted its proof.
    """
    if not after:
        return await node.newest_on_l1()
    return await node.at(head.number - after) if head.number >= after else None


def _header(answer: Any) -> Header:
    with reading("header of a block"):
        block_hash, parent_hash = (padded(int(answer[name], 16)) for name in ("block_hash", "parent_hash"))
        return Header(int(answer["block_number"]), block_hash, parent_hash, int(answer["timestamp"]))


def _sorted(events: list[RawEvent]) -> list[RawEvent]:
    return sorted(events, key=lambda event: (event.block.number, event.transaction_index, event.event_index))


def _event(event: Mapping[str, Any], contracts: Sequence[str]) -> RawEvent:
    """Return an event of a page.

    Raises:
        NodeError: it is of another contract than was asked for.
    """
    contract = padded(int(event["from_address"], 16))
    if contract not in contracts:
        raise NodeError("the node's events hold one of a contract that was not asked for")
    block = BlockRef(int(event["block_number"]), padded(int(event["block_hash"], 16)))
    tx_hash = padded(int(event["transaction_hash"], 16))
    place = int(event["transaction_index"]), int(event["event_index"])
    return RawEvent(block, contract, _felts(event["keys"]), _felts(event["data"]), tx_hash, *place)


def _events_of(block: BlockRef, receipts: Sequence[Mapping[str, Any]], contracts: frozenset[str]) -> Iterator[RawEvent]:
    for transaction, receipt in enumerate(receipts):
        tx_hash = padded(int(receipt["transaction_hash"], 16))
        for index, event in enumerate(receipt["events"]):
            contract = padded(int(event["from_address"], 16))
            if contract in contracts:
                keys, data = _felts(event["keys"]), _felts(event["data"])
                yield RawEvent(block, contract, keys, data, tx_hash, transaction, index)


def _felts(texts: Sequence[str]) -> tuple[int, ...]:
    return tuple(int(text, 16) for text in texts)
