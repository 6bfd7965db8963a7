"""Send users' own calls within their daily allowance: each is checked, and counted in the transaction that sends it.

The paymaster counts the gas in the same transaction as the calls happen. So no crash separates them, and calls above
the allowance do not happen. What is counted is the node's estimate, rounded up.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from contracts.account.account import Account, RevertsError
from contracts.clients.contract import At, Call
from contracts.clients.paymaster import PaymasterClient
from contracts.sink.calls import OpenCall
from contracts.sink.outside import execution, fault_of_nonce
from contracts.sink.people import People, request_of

L2_GAS_OF_STEP: Final = 100
"""The paymaster counts gas in Cairo steps; see docs/contracts.md."""
PRICED_STEPS: Final = 1_000_000
ESTIMATES: Final = 2
"""The paymaster's count is a part of what is estimated: the second estimate has the count of the first."""

OF_ALLOWANCE: Final = frozenset({"no_allowance", "allowance_spent"})
"""Reasons that may be gone once the user's level is on the chain."""


class Refusal(NamedTuple):
    """Why calls are given up."""

    reason: str


class Sponsor:
    """Prepares the transactions of users' calls, which one account sends."""

    def __init__(self, account: Account, paymaster: PaymasterClient, price: int) -> None:
        """Create the sponsor.

        Args:
            account: The account that sends, and whose address users sign for.
            paymaster: The paymaster, of which the account is a sponsor.
            price: Units of the settlement token that the sponsor is paid back for a million Cairo steps.
        """
        self._account, self._paymaster, self._price = account, paymaster, price

    async def prepared(
        self, call_id: str, call: OpenCall, people: People, at: At, now_s: int
    ) -> list[Call] | Refusal | None:
        """Return the calls of a transaction, or why there is none for good.

        Return None while the chain's fact is on its way, or the record of a level that raises the allowance.

        Raises:
            RevertsError: it would revert by a fault that an operator has to repair.
        """
        found = await self._prepared(call_id, call, people, at, now_s)
        record = people.record_of(call.user_id)
        if isinstance(found, Refusal) and found.reason in OF_ALLOWANCE and record and record.wallet == call.account:
            return None
        return found

    async def _prepared(
        self, call_id: str, call: OpenCall, people: People, at: At, now_s: int
    ) -> list[Call] | Refusal | None:
        request = request_of(call_id)
        if await self._paymaster.is_sponsored(at, request):
            return None
        reason = await self._refusal(call, people, at, now_s)
        if reason:
            return Refusal(reason)
        left, nonce, gas = await self._paymaster.gas_left(at, call.account), await self._account.nonce(), 1
        for _ in range(ESTIMATES):
            calls = await self._calls(request, call, gas, at)
            try:
                gas = -(-await self._account.l2_gas(calls, nonce) // L2_GAS_OF_STEP)
            except RevertsError:
                await self._account.l2_gas(calls[:1], nonce)  # raises if the count alone reverts: no fault of the user
                return Refusal("call_reverts")
            if gas > left:
                return Refusal("allowance_spent")
        return await self._calls(request, call, gas, at)

    async def _refusal(self, call: OpenCall, people: People, at: At, now_s: int) -> str:
        if call.account not in people.wallets_of(call.user_id):
            return "wallet_not_linked"
        if now_s >= call.execute_before:
            return "expired"
        if not await self._paymaster.gas_left(at, call.account):
            return "allowance_spent" if await self._paymaster.allowance_of(at, call.account) else "no_allowance"
        return await fault_of_nonce(at, call)

    async def _calls(self, request: str, call: OpenCall, gas: int, at: At) -> list[Call]:
        price = min(self._price, await self._paymaster.max_price(at))
        counted = self._paymaster.sponsor(request, call.account, gas, gas * price // PRICED_STEPS)
        return [counted, execution(call, self._account.address)]
