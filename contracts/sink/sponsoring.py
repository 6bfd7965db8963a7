"""Send users' own calls within their daily allowance: each is checked, and counted in the transaction that sends it.

The paymaster counts the gas in the same transaction as the calls happen. So no crash separates them, and calls above
the allowance do not happen. What is counted is the most that the transaction can cost, which its bounds enforce. A
transaction that reverts is counted by the sink instead, for the rest of its day.

The account's nonce says what became of a transaction: a block with a greater nonce has executed or reverted it. So
nothing is remembered that a reorganisation makes wrong.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from msgspec.structs import replace

from contracts.account.account import NO_BOUNDS, Account, Bounds, RevertsError
from contracts.clients.contract import At, Call
from contracts.clients.paymaster import PaymasterClient
from contracts.indexer.addresses import padded
from contracts.indexer.chain_state import BlockRef
from contracts.indexer.errors import BlockGoneError, NodeError
from contracts.indexer.node import CONTRACT_NOT_FOUND, Header, Node, NodeRefusedError, newest_final
from contracts.sink.calls import DAY_S, REVERTED, Calls, OpenCall, is_old
from contracts.sink.outside import execution, fault_of_nonce
from contracts.sink.people import People, request_of

L2_GAS_OF_STEP: Final = 100
"""The paymaster counts gas in Cairo steps; see docs/contracts.md."""
PRICED_STEPS: Final = 1_000_000
MARGIN_PERCENT: Final = 110
"""A transaction may use so much of its estimate, and this much is counted. The state can change before its block."""
ESTIMATES: Final = 2
"""The paymaster's count is a part of what is estimated: the second estimate has the count of the first."""
UNANSWERED_MAX: Final = 3
"""A call is given up after this many failed estimates of the call. A failure counts only if the node could estimate
the paymaster's count alone."""

LINK_S: Final = 60
"""The relay may publish so late that a user has linked a wallet."""

OF_ALLOWANCE: Final = frozenset({"no_allowance", "allowance_spent"})
"""Reasons that may be gone once the user's level is on the chain."""


class Refusal(NamedTuple):
    """Why calls are given up."""

    reason: str


class ToSend(NamedTuple):
    """A transaction with a user's calls, the most gas that it can cost, in Cairo steps, and the day of this gas."""

    call_id: str
    calls: list[Call]
    bounds: Bounds
    nonce: int
    gas: int
    day: int


class Moment(NamedTuple):
    """The chain at one moment.

    Attributes:
        at: The newest block, to read at.
        chain_s: Its time, in Unix seconds.
        now_s: The time of the sink's clock.
        nonce: The account's nonce there.
        final_nonce: The account's nonce in the newest final block; 0 for none.
    """

    at: At
    chain_s: int
    now_s: int
    nonce: int
    final_nonce: int

    @property
    def day(self) -> int:
        """Return the paymaster's day, counted from 1970."""
        return self.chain_s // DAY_S


class Sponsor:
    """Prepares the transactions of users' calls, which one account sends."""

    def __init__(self, account: Account, paymaster: PaymasterClient, price: int, final_after: int) -> None:
        """Create the sponsor.

        Args:
            account: The account that sends, and whose address users sign for.
            paymaster: The paymaster, of which the account is a sponsor.
            price: Units of the settlement token that the sponsor is paid back for a million Cairo steps.
            final_after: How many blocks later a block is final; 0 if it is when Ethereum has accepted its proof.
        """
        self._account, self._paymaster, self._price, self._final_after = account, paymaster, price, final_after

    async def look(self, node: Node, head: Header, now_s: int) -> Moment:
        """Return the chain as it is."""
        final, address = await newest_final(node, head.ref, self._final_after), padded(self._account.address)
        nonce = await node.nonce(address, head.ref)
        final_nonce = await _nonce_at(node, address, final.ref) if final else 0
        return Moment(At(node, head.ref), head.time_s, now_s, nonce, final_nonce)

    async def prepared(self, call_id: str, calls: Calls, people: People, moment: Moment) -> ToSend | Refusal | None:
        """Return what is to be sent, or why a call is given up.

        Return None while the chain's fact is on its way, while the block of its last transaction is not final, or while
        a link of its wallet or the record of a level may be on their way.

        Raises:
            RevertsError: it would revert by a fault that an operator has to repair.
        """
        call = calls.calls[call_id]
        if call.attempt and call.attempt.nonce < moment.nonce:
            if call.attempt.nonce >= moment.final_nonce:
                return None
            for tx_hash in call.attempt.hashes:
                outcome, _ = await self._account.outcome(tx_hash)
                if outcome == "reverted":
                    return Refusal(REVERTED)
            call = replace(call, attempt=None)  # it has succeeded, or another transaction used its nonce
        if await self._paymaster.is_sponsored(moment.at, request_of(call_id)):
            return None
        if moment.chain_s >= call.execute_before or is_old(call, moment.now_s):
            return None if call.attempt else Refusal("expired")
        found = await self._checked(call_id, call, calls, people, moment)
        if isinstance(found, Refusal) and (call.attempt or self._may_change(call, people, found, moment)):
            return None  # a block may still take the last transaction, until another one uses its nonce
        return found

    @staticmethod
    def _may_change(call: OpenCall, people: People, refusal: Refusal, moment: Moment) -> bool:
        """Return whether the reason of a refusal may be gone once something is read that is on its way."""
        if refusal.reason == "wallet_not_linked":
            return moment.now_s < call.asked_s + LINK_S
        record = people.record_of(call.user_id)
        return refusal.reason in OF_ALLOWANCE and record is not None and record.wallet == call.account

    async def _checked(
        self, call_id: str, call: OpenCall, calls: Calls, people: People, moment: Moment
    ) -> ToSend | Refusal:
        at = moment.at
        if reason := people.why_not_sponsored(call.user_id, call.account):
            return Refusal(reason)
        if calls.unanswered(call_id) >= UNANSWERED_MAX:
            return Refusal("not_answered")
        left = await self._paymaster.gas_left(at, call.account) - await self._reverted(call.account, calls, moment)
        if left <= 0:
            allowance = await self._paymaster.allowance_of(at, call.account)
            return Refusal("allowance_spent" if allowance else "no_allowance")
        price = min(self._price, await self._paymaster.max_price(at))
        try:
            return await self._judged(call_id, call, left, price, moment)
        except (RevertsError, BlockGoneError):
            raise
        except NodeError:
            await self._bounds(self._calls(call_id, call, 1, price)[:1], moment)  # raises if the node judges nothing
            calls.note_unanswered(call_id)
            raise

    async def _reverted(self, account: str, calls: Calls, moment: Moment) -> int:
        """Return the gas of today that reverted transactions of a wallet have cost the sponsor."""
        gas = calls.spent_by(account, moment.day)
        for call_id, attempt in calls.executed_of(account, moment.nonce, moment.day):
            if not await self._paymaster.is_sponsored(moment.at, request_of(call_id)):
                gas += attempt.gas
        return gas

    async def _judged(self, call_id: str, call: OpenCall, left: int, price: int, moment: Moment) -> ToSend | Refusal:
        """Return what is to be sent, or a refusal. Here the wallet's code runs, on the node."""
        if reason := await fault_of_nonce(moment.at, call):
            return Refusal(reason)
        gas, bounds = 1, NO_BOUNDS
        for _ in range(ESTIMATES):
            sent = self._calls(call_id, call, gas, price)
            try:
                bounds = await self._bounds(sent, moment)
            except RevertsError:
                await self._bounds(sent[:1], moment)  # raises if the count alone reverts: no fault of the user
                return Refusal("call_reverts")
            gas = most_steps(bounds)
            if gas > left:
                return Refusal("allowance_spent")
        return ToSend(call_id, self._calls(call_id, call, gas, price), bounds, moment.nonce, gas, moment.day)

    async def _bounds(self, sent: list[Call], moment: Moment) -> Bounds:
        return await self._account.bounds(sent, moment.nonce, MARGIN_PERCENT)

    def _calls(self, call_id: str, call: OpenCall, gas: int, price: int) -> list[Call]:
        counted = self._paymaster.sponsor(request_of(call_id), call.account, gas, gas * price // PRICED_STEPS)
        return [counted, execution(call, self._account.address)]


async def _nonce_at(node: Node, address: str, block: BlockRef) -> int:
    """Return an account's nonce; 0 in a block before its deployment."""
    try:
        return await node.nonce(address, block)
    except NodeRefusedError as exc:
        if exc.code == CONTRACT_NOT_FOUND:
            return 0
        raise


def most_steps(bounds: Bounds) -> int:
    """Return the most that a transaction can cost, in Cairo steps: gas of other kinds counts by its price."""
    fee = sum(bound.amount * bound.price for bound in bounds.values())
    l2_price = bounds["L2_GAS"].price
    l2_gas = -(-fee // l2_price) if l2_price else bounds["L2_GAS"].amount
    return -(-l2_gas // L2_GAS_OF_STEP)
