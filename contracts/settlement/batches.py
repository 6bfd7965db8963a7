"""How fees become batches, and what happens to a batch. Has no I/O.

A fee is in exactly one batch. What a batch leaves below the token's unit stays open, and so is carried into the next
one. The state after a step is written to the log together with the batch that the step closed, before anything is sent.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, NamedTuple, NoReturn

import msgspec
from msgspec.structs import replace

from contracts.indexer.addresses import padded
from contracts.settlement.errors import ForeignBatchError, GapError
from contracts.settlement.hashing import batch_hash, details_hash, source_felt
from streams.events.chain import SIGNS, BatchSettled, FeesDistributed, FeesSwept
from streams.units import TOKEN_UNIT

SOURCES_MAX: Final = 32
"""The contract takes at most so many sources in a batch."""
NO_HASH: Final = padded(0)
Status = Literal["closed", "sent", "settled", "confirmed"]
"""`closed`: in the log. `sent`: given to a node. `settled`: the contract has it, revocably. `confirmed`: for good."""
Reason = Literal["day", "amount"]


class Fee(NamedTuple):
    """A record of the topic of fees.

    Attributes:
        partition: Its partition.
        offset: Its offset.
        day: The UTC day of its event, counted from 1970.
        source: The source of the fee.
        amount: In 1e-8 USD; 0 for another asset, and for another event. May be negative.
        content: The record's value.
    """

    partition: int
    offset: int
    day: int
    source: str
    amount: int
    content: bytes


class Reached(msgspec.Struct, frozen=True):
    """How far a partition of fees was read: the next offset, and a digest of all records before it."""

    offset: int = 0
    digest: str = ""


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Fees that are settled together.

    Attributes:
        number: 1 for the first batch.
        previous_hash: The hash of the batch before; zero for the first one.
        details: A hash of `reached`, which stands for every fee up to here.
        hash: The hash that the contract gives the batch.
        totals: Units of the token by source, in the contract's order. All are above 0.
        reached: How far the partitions of fees had been read.
        reason: Why it was closed.
        closed_us: When, in Unix microseconds.
        status: What has happened to it.
        tx_hash: The transaction that was sent last; empty before.
        nonce: The number of this transaction in its account.
    """

    number: int
    previous_hash: str
    details: str
    hash: str
    totals: dict[str, int]
    reached: dict[int, Reached]
    reason: Reason
    closed_us: int
    status: Status = "closed"
    tx_hash: str = ""
    nonce: int = -1

    @property
    def amount(self) -> int:
        """Return the sum of the totals, in units of the token."""
        return sum(self.totals.values())


class State(msgspec.Struct, frozen=True, kw_only=True):
    """All that settlement knows, except for confirmed batches.

    Attributes:
        reached: How far each partition of fees was read.
        facts: The next offset of each partition of facts of the chain.
        day: The day of the open fees; None before the first one.
        open: Fees that are in no batch, by source, in 1e-8 USD.
        last: The number of the last closed batch, and its hash.
        confirmed: The number of the last confirmed batch, and its hash.
        confirmed_totals: Units of all confirmed batches, by source.
        batches: Batches that are not confirmed, in order.
        swept: Units of fees that the collector sent to each splitter, by accepted facts.
        surplus: Units beyond fees that went the same way.
        distributed: Units that each splitter paid, by beneficiary, by accepted facts.
    """

    reached: dict[int, Reached] = {}
    facts: dict[int, int] = {}
    day: int | None = None
    open: dict[str, int] = {}
    last: tuple[int, str] = (0, NO_HASH)
    confirmed: tuple[int, str] = (0, NO_HASH)
    confirmed_totals: dict[str, int] = {}
    batches: tuple[Batch, ...] = ()
    swept: dict[str, int] = {}
    surplus: dict[str, int] = {}
    distributed: dict[str, dict[str, int]] = {}

    def batch(self, number: int) -> Batch | None:
        """Return a batch that is not confirmed; None when there is none of this number."""
        place = number - self.confirmed[0] - 1
        return self.batches[place] if 0 <= place < len(self.batches) else None


# --- fees become batches ----------------------------------------------------------------------------------------------


def step(state: State, fees: Sequence[Fee], today: int, amount_max: int, now_us: int) -> State:
    """Take fees, and close a batch if one is due.

    A batch takes the fees of its day and late ones of earlier days. It is closed once it reaches an amount, or when no
    fee of its day is left and a later day has begun. Fees of a later day are left for the next step.

    Args:
        state: The state before.
        fees: The next records, in the order of offsets in each partition; not necessarily all.
        today: The present day, counted from 1970.
        amount_max: Units of the token that close a batch; 0 to close it by the day alone.
        now_us: The time, Unix microseconds.

    Raises:
        GapError: a record is missing.
    """
    day = _first_day(fees) if state.day is None else state.day
    if day is None:
        return state
    taken = _of_the_day(fees, day)
    state = _taken(replace(state, day=day), taken)
    if amount_max and sum(_whole(state.open).values()) >= amount_max:
        return _closed(state, "amount", now_us)
    if not taken and (fees or today > day):
        return _closed(state, "day", now_us)
    return state


def _first_day(fees: Sequence[Fee]) -> int | None:
    """Return the earliest day of the first records of all partitions."""
    heads = {fee.partition: fee.day for fee in reversed(fees)}
    return min(heads.values(), default=None)


def _of_the_day(fees: Iterable[Fee], day: int) -> list[Fee]:
    """Return the fees before the first one of a later day in their partition."""
    ended: set[int] = set()
    found = []
    for fee in fees:
        if fee.day > day:
            ended.add(fee.partition)
        elif fee.partition not in ended:
            found.append(fee)
    return found


def _taken(state: State, fees: Sequence[Fee]) -> State:
    reached = dict(state.reached)
    sums: defaultdict[str, int] = defaultdict(int)
    for fee in fees:
        before = reached.get(fee.partition, Reached())
        if fee.offset != before.offset:
            raise GapError(
                f"partition {fee.partition} of the fees continues at offset {fee.offset}, and {before.offset} was "
                "expected: the log has lost fees that no batch has, or was restored"
            )
        digest = hashlib.sha256(before.digest.encode() + fee.content).hexdigest()
        reached[fee.partition] = Reached(fee.offset + 1, digest)
        if fee.amount:
            sums[fee.source] += fee.amount
    return replace(state, reached=reached, open=added(state.open, sums))


def _closed(state: State, reason: Reason, now_us: int) -> State:
    """Close a batch of all whole units; none when there are no whole units."""
    whole = _whole(state.open)
    largest = sorted(whole, key=lambda source: (-whole[source], source))[:SOURCES_MAX]
    if not largest:
        return replace(state, day=None)
    totals = {source: whole[source] for source in sorted(largest, key=source_felt)}
    left = added(state.open, {source: -TOKEN_UNIT * amount for source, amount in totals.items()})
    number, previous_hash = state.last[0] + 1, state.last[1]
    details = details_hash((partition, *msgspec.structs.astuple(at)) for partition, at in state.reached.items())
    batch = Batch(
        number=number,
        previous_hash=previous_hash,
        details=details,
        hash=batch_hash(number, previous_hash, details, totals),
        totals=totals,
        reached=state.reached,
        reason=reason,
        closed_us=now_us,
    )
    day = state.day if _whole(left) else None
    return replace(state, day=day, open=left, last=(number, batch.hash), batches=(*state.batches, batch))


def _whole(amounts: Mapping[str, int]) -> dict[str, int]:
    """Return the whole units of the token in amounts of 1e-8 USD. A source that owes keeps its debt open."""
    return {source: amount // TOKEN_UNIT for source, amount in amounts.items() if amount >= TOKEN_UNIT}


def added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    """Return the sums by name, without zeros."""
    sums = {name: one.get(name, 0) + other.get(name, 0) for name in sorted({*one, *other})}
    return {name: amount for name, amount in sums.items() if amount}


# --- what happens to a batch ------------------------------------------------------------------------------------------


def next_to_send(state: State, last: int, last_hash: str) -> Batch | None:
    """Return the batch that the contract takes next; None when it has all, or when its node is behind.

    Args:
        state: The state.
        last: The number of the contract's last batch.
        last_hash: The hash of this batch.

    Raises:
        ForeignBatchError: the contract has another batch than the log.
    """
    if last < state.confirmed[0]:
        return None
    batch = state.batch(last)
    expected = state.confirmed[1] if last == state.confirmed[0] else batch.hash if batch else ""
    if last_hash != expected:
        _refuse(last, last_hash, expected)
    return state.batch(last + 1)


def sent(state: State, number: int, tx_hash: str, nonce: int) -> State:
    """Note the transaction that is about to be sent for a batch."""
    return _with(state, number, status="sent", tx_hash=tx_hash, nonce=nonce)


def settled(state: State, fact: BatchSettled) -> State:
    """Note what the chain says of a batch.

    Raises:
        ForeignBatchError: the log has not closed this batch, or with another content.
    """
    number, confirmed_hash = state.confirmed
    if fact.batch < number or (fact.batch, fact.hash) == (number, confirmed_hash):
        return state  # it was taken over before its facts were read, whatever they say of blocks that were replaced
    batch = state.batch(fact.batch)
    if batch is None or batch.hash != fact.hash:
        _refuse(fact.batch, fact.hash, batch.hash if batch else "")
    if fact.finality == "accepted":
        return _with(state, batch.number, status="settled")
    if fact.finality == "retracted":
        return _with(state, batch.number, status="closed") if batch.status == "settled" else state
    if batch.number != state.confirmed[0] + 1:
        raise ForeignBatchError(f"batch {batch.number} is final before batch {state.confirmed[0] + 1}")
    totals = added(state.confirmed_totals, batch.totals)
    return replace(state, confirmed=(batch.number, batch.hash), confirmed_totals=totals, batches=state.batches[1:])


def swept(state: State, fact: FeesSwept) -> State:
    """Add a sweep, or take it back."""
    sign = SIGNS[fact.finality]
    return replace(
        state,
        swept=added(state.swept, {fact.splitter: sign * fact.amount}),
        surplus=added(state.surplus, {fact.splitter: sign * fact.surplus}),
    )


def distributed(state: State, fact: FeesDistributed) -> State:
    """Add a payment of a splitter, or take it back."""
    paid = added(state.distributed.get(fact.contract, {}), {fact.beneficiary: SIGNS[fact.finality] * fact.amount})
    return replace(state, distributed=state.distributed | {fact.contract: paid})


def _with(state: State, number: int, *, status: Status, tx_hash: str | None = None, nonce: int | None = None) -> State:
    place = number - state.confirmed[0] - 1
    batch = state.batches[place]
    changed = replace(
        batch,
        status=status,
        tx_hash=batch.tx_hash if tx_hash is None else tx_hash,
        nonce=batch.nonce if nonce is None else nonce,
    )
    return replace(state, batches=(*state.batches[:place], changed, *state.batches[place + 1 :]))


def _refuse(number: int, found: str, expected: str) -> NoReturn:
    known = f"the log has {expected}" if expected else "the log has not closed this batch"
    raise ForeignBatchError(
        f"the contract has settled batch {number} with the hash {found}, and {known}: the log was restored to an "
        "earlier state, or another installation settles with the same contract. Nothing is sent."
    )
