"""The steps of the sink with a chain in memory, which answers as a test wants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from faust_redis.log import Log, TopicSpec
from msgspec.structs import replace
from starknet_py.hash.selector import get_selector_from_name

from contracts.account.account import RevertsError, Signed
from contracts.account.gas_balance import GAS_TOKEN
from contracts.indexer.addresses import padded
from contracts.indexer.chain_state import BlockRef
from contracts.indexer.errors import BlockGoneError, NodeError
from contracts.indexer.node import Header
from contracts.sink.people import request_of
from contracts.sink.reader import TOPICS, EventReader
from contracts.sink.sink import MINTS_AT_ONCE, RECORDS_AT_ONCE, Policy, Sink
from contracts.sink.store import SinkStore
from streams.events import AnyEvent
from streams.events.chain import NFTMintConfirmed, NFTMintFailed
from streams.spans import Spans
from streams.times import Instant
from streams.topics import CHAIN_EVENTS
from streams.trace_context import span_id_of, span_of
from tests.chain.indexing import FACTS, events_of
from tests.chain.sinking import SINK, data_of, tell
from tests.sink.facts import CHAIN_ID, CONTRACTS, NOW, REPUTATION, gained, linked, minted, requested, risen
from tests.tracing.test_batch_spans import TRACE, Recorded

ADA, BOB = padded(0xA1), padded(0xB1)
PAYMASTER = padded(0x9A)
NAMES = {
    hex(get_selector_from_name(name)): name
    for name in ("paymaster", "reputation", "token_of_request", "token_for", "experience")
}


class Clock:
    """Stands in for the module `time`."""

    now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s


class Chain:
    """Node and account of a chain of tokens, which has none for gas."""

    address = 0x5E4D

    def __init__(self) -> None:
        self.tokens: dict[int, int] = {}
        """The token of each request."""
        self.owned: dict[int, int] = {}
        """The token of each wallet, of whatever type."""
        self.experiences: dict[int, int] = {}
        self.gone: set[int] = set()
        """Requests and wallets at which a call finds that the block was replaced."""
        self.height = 1
        self.sent: list[tuple[int, ...]] = []
        self.reverts = False
        self.outcomes = "succeeded"

    async def chain_id(self) -> str:
        return CHAIN_ID

    async def head(self) -> Header:
        return Header(self.height, padded(self.height), padded(self.height - 1), 0)

    async def call(self, contract: str, selector: str, _: BlockRef, calldata: Any = ()) -> list[int] | None:
        if contract == GAS_TOKEN:
            return None
        name = NAMES[selector]
        if name in {"paymaster", "reputation"}:
            return [int({"paymaster": PAYMASTER, "reputation": REPUTATION}[name], 16)]
        if calldata[0] in self.gone:
            raise BlockGoneError("replaced")
        if name == "experience":
            return [self.experiences.get(calldata[0], 0)]
        return [{"token_of_request": self.tokens, "token_for": self.owned}[name].get(calldata[0], 0), 0]

    async def nonce(self, _: str = "", block: BlockRef | None = None) -> int:
        return len(self.tokens)

    async def prepare(self, calls: Any, nonce: int, _: object = None) -> Signed:
        if self.reverts:
            raise RevertsError("paused")
        return Signed(
            "invoke", padded(0x700 + len(self.sent)), nonce, {"requests": [call.calldata[0] for call in calls]}
        )

    async def send(self, signed: Signed) -> None:
        self.sent.append(tuple(signed.content["requests"]))
        if self.outcomes == "succeeded":
            self.tokens |= dict.fromkeys(self.sent[-1], 1)
        self.height += 1

    async def outcome(self, _: str) -> tuple[str, str]:
        return self.outcomes, ""


def sink_of(
    log: Log,
    chain: Any,
    now: Callable[[], Instant] = lambda: NOW,
    *,
    send_again_s: float = 0,
    spans: Spans | None = None,
) -> Sink:
    return Sink(
        store=SinkStore(log, SINK, FACTS, CONTRACTS),
        reader=EventReader(log, [TopicSpec(name, 4) for name in TOPICS]),
        node=chain,
        account=chain,
        policy=Policy(CONTRACTS, "", send_again_s),
        now=now,
        spans=spans,
    )


async def until_idle(sink: Sink) -> None:
    for _ in range(60):
        if not await sink.step():
            return
    raise AssertionError("the sink does not come to an end")


async def test_a_chain_that_changes_while_mints_are_asked_for_loses_none(log: Log) -> None:
    chain = Chain()
    chain.owned[int(ADA, 16)] = 5
    chain.gone.add(int(request_of("m-2"), 16))
    await tell(log, requested("m-1", "ada"), linked("ada", ADA), requested("m-2", "bob"), linked("bob", BOB))
    sink = sink_of(log, chain)
    await until_idle(sink)
    assert not data_of(await events_of(log), NFTMintFailed), "the block was replaced"
    await tell(log, requested("m-3", "cleo"))
    await until_idle(sink)
    chain.gone.clear()
    await until_idle(sink)
    [said] = data_of(await events_of(log), NFTMintFailed)
    assert (said.mint_id, said.reason) == ("m-1", "already_minted")
    assert chain.sent == [(int(request_of("m-2"), 16),)]


async def test_a_transaction_that_would_revert_costs_no_reading_of_the_state(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = Chain()
    chain.reverts = True
    await tell(log, requested("m-1", "ada"), linked("ada", ADA))
    sink = sink_of(log, chain)
    with pytest.raises(RevertsError):
        await until_idle(sink)
    reads = list[None]()
    load = sink._store.load

    async def counted(sponsor: str) -> Any:
        reads.append(None)
        return await load(sponsor)

    monkeypatch.setattr(sink._store, "load", counted)
    worked_s = sink.counts.worked_s
    await tell(log, linked("ada", ADA))
    assert await sink.step(), "it reads on"
    assert sink.counts.worked_s == worked_s
    with pytest.raises(RevertsError):
        await sink.step()
    chain.reverts = False
    await until_idle(sink)
    assert not reads
    assert len(chain.sent) == 1


async def test_a_transaction_that_no_block_takes_is_said_and_replaced(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, time = Chain(), Clock()
    monkeypatch.setattr("contracts.account.last_transaction.time", time)
    chain.outcomes = "pending"
    await tell(log, requested("m-1", "ada"), linked("ada", ADA))
    sink = sink_of(log, chain, send_again_s=30)
    await until_idle(sink)
    worked_s = sink.counts.worked_s
    for time.now_s in (30.0, 299.0):
        with pytest.raises(NodeError, match="no block takes the transaction"):
            await sink.step()
        await tell(log, linked("ada", ADA))
        assert await sink.step(), "it reads on"
    assert sink.counts.worked_s == worked_s
    time.now_s = 300.0
    assert await sink.step()
    assert len(chain.sent) == 2
    assert sink.counts.worked_s == worked_s, "no block has taken the other one yet"
    chain.outcomes = "succeeded"
    chain.tokens[int(request_of("m-1"), 16)] = 1
    await until_idle(sink)
    assert len(chain.sent) == 2
    assert sink.counts.worked_s > worked_s


async def test_what_the_chain_has_holds_up_nothing_while_its_facts_are_missing(log: Log) -> None:
    chain, wallets = Chain(), [0x100 + number for number in range(RECORDS_AT_ONCE + 1)]
    mints = [f"m-{number:02}" for number in range(MINTS_AT_ONCE + 1)]
    chain.tokens = {int(request_of(mint_id), 16): 1 for mint_id in mints[:-1]}
    chain.experiences = dict.fromkeys(wallets[:-1], 100)
    await tell(log, linked("ada", ADA), *(requested(mint_id, "ada") for mint_id in mints))
    for wallet in wallets:
        user = f"user-{wallet}"
        await tell(log, linked(user, padded(wallet)), gained(user, 100), risen(user, 2))
    sink = sink_of(log, chain)
    while len(chain.sent) < 2:
        assert await sink.step()
    assert chain.sent == [(int(request_of(mints[-1]), 16),), (wallets[-1],)]


def traced(event: AnyEvent) -> AnyEvent:
    """Return an event of a sampled trace."""
    return replace(event, traceparent=f"00-{TRACE}-{span_id_of(event.id)}-01")


async def test_a_mint_is_in_the_trace_of_its_request_and_its_report_in_that_of_the_fact(log: Log) -> None:
    chain, spans = Chain(), Recorded(sampled=False)
    request, fact = traced(requested("m-1", "ada")), traced(minted("m-1", 1, "final"))
    await tell(log, request, requested("m-2", "ada"), linked("ada", ADA))
    sink = sink_of(log, chain, spans=spans)
    await until_idle(sink)
    [mint] = spans.spans
    assert (mint.name, mint.ref.trace_id, mint.parent_id) == ("mint token", TRACE, span_id_of(request.id))
    assert mint.attributes == {"astratrade.transaction": padded(0x700)}
    await tell(log, fact)
    await until_idle(sink)
    [_, sent] = spans.spans
    [said] = [event for event in await events_of(log) if isinstance(event.data, NFTMintConfirmed)]
    assert (sent.name, sent.ref) == (f"send {CHAIN_EVENTS}", span_of(said.traceparent))
    assert (sent.parent_id, sent.ref.trace_id) == (span_id_of(fact.id), TRACE)


@pytest.mark.parametrize("sampled", [True, False])
async def test_experience_begins_a_trace_by_lot_and_a_failure_is_recorded_always(log: Log, *, sampled: bool) -> None:
    chain, spans = Chain(), Recorded(sampled=sampled)
    await tell(log, linked("ada", ADA), gained("ada", 100), risen("ada", 2))
    sink = sink_of(log, chain, spans=spans)
    chain.reverts = True
    with pytest.raises(RevertsError):
        await until_idle(sink)
    [failed] = spans.spans
    assert (failed.name, failed.error, failed.parent_id) == ("record experience", "RevertsError", "")
    chain.reverts = False
    await sink.step()
    assert [span.error for span in spans.spans] == ["RevertsError", *[""] * sampled]


async def test_a_mint_that_cannot_be_sent_is_recorded_always(log: Log) -> None:
    chain, spans = Chain(), Recorded(sampled=False)
    await tell(log, requested("m-1", "ada"), linked("ada", ADA))
    chain.reverts = True
    with pytest.raises(RevertsError):
        await until_idle(sink_of(log, chain, spans=spans))
    [failed] = spans.spans
    assert (failed.name, failed.error, failed.parent_id) == ("mint token", "RevertsError", "")
