"""Calls that users want sent at their paymaster's cost, and what the chain says of them. No I/O.

A command and its fact come in any order. A sent call keeps its last transaction, so that the sink can count its gas.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from contracts.sink.people import request_of
from streams.events import AnyEvent, Event, EventData
from streams.events.chain import SponsoredCallReported, TransactionSponsored
from streams.events.user import SPONSOR_CALL_OPEN_S, ContractCall, SponsorCall
from streams.times import SECOND_US
from streams.wire import decoder

CALL_PREFIX, COUNT_PREFIX, SPENT_KEY = "call-", "count-", "spent"
OPEN_CALLS_MAX: Final = 5
"""Calls of a user that may be open at the same time."""
DAY_S: Final = 24 * 3_600
REVERTED: Final = "call_reverted"
"""The reason of a call that was sent and did not happen."""


class Attempt(msgspec.Struct, frozen=True):
    """The last transaction in which the sink sent a call.

    Attributes:
        tx_hash: Its hash.
        nonce: The nonce of the sending account in it.
        gas: The most that it or one of `replaced` may cost, in Cairo steps.
        day: The day on which it was sent, counted from 1970 in UTC.
        replaced: Earlier transactions of the call with the same nonce, while a block may execute one of them instead.
    """

    tx_hash: str
    nonce: int
    gas: int
    day: int
    replaced: tuple[str, ...] = ()

    @property
    def hashes(self) -> tuple[str, ...]:
        """Return the transactions of which a block may execute one."""
        return self.tx_hash, *self.replaced


class OpenCall(msgspec.Struct, frozen=True):
    """Calls of one user that are signed together.

    Attributes:
        asked_s: When the user asked for them, in Unix seconds.
        accepted: Whether an accepted block has them.
        attempt: Their last transaction; None before the first one, or when the node took another one with its nonce.
    """

    user_id: str
    account: str
    nonce: str
    execute_after: int
    execute_before: int
    calls: tuple[ContractCall, ...]
    signature: tuple[str, ...]
    asked_s: int
    accepted: bool = False
    attempt: Attempt | None = None


class Count(msgspec.Struct, frozen=True):
    """What the paymaster counted for a call whose command was not read yet."""

    tx_hash: str
    gas: int
    final: bool


class Spent(msgspec.Struct, frozen=True):
    """The gas that transactions of one day have used without a count by the paymaster, by wallet, in Cairo steps."""

    day: int = -1
    gas: dict[str, int] = {}


class Calls:
    """All calls that no final block has. `changed` has the keys of the rows that the next write has to have."""

    def __init__(self, paymaster: str, sponsor: str, rows: Mapping[str, bytes] | None = None) -> None:
        """Create them from the rows of the log; `sponsor` is the account that sends."""
        self.changed: set[str] = set()
        self.calls: dict[str, OpenCall] = {}
        self.counts: dict[str, Count] = {}
        self.spent = Spent()
        self._unanswered: Counter[str] = Counter()
        for key, value in sorted((rows or {}).items()):  # ids begin with their time
            self._read(key, value)
        self._paymaster, self._sponsor = paymaster, sponsor
        self._requests = {request_of(call_id): call_id for call_id in self.calls}
        self._rules: Mapping[type[EventData], Callable[[Any], list[AnyEvent]]] = {
            SponsorCall: self._asked,
            TransactionSponsored: self._sponsored,
        }

    @staticmethod
    def has(key: str) -> bool:
        """Return whether a row of the log is one of these."""
        return key == SPENT_KEY or key.startswith((CALL_PREFIX, COUNT_PREFIX))

    def apply(self, event: AnyEvent) -> list[AnyEvent]:
        """Update the state by an event, and return the events that follow from it."""
        rule = self._rules.get(type(event.data))
        return rule(event) if rule else []

    def row(self, key: str) -> bytes | None:
        """Return the row of a key; None when it is to be removed."""
        row: Spent | Count | OpenCall | None = self.spent
        if key.startswith(CALL_PREFIX):
            row = self.calls.get(key.removeprefix(CALL_PREFIX))
        elif key.startswith(COUNT_PREFIX):
            row = self.counts.get(key.removeprefix(COUNT_PREFIX))
        return None if row is None else msgspec.json.encode(row)

    def _read(self, key: str, value: bytes) -> None:
        if key.startswith(CALL_PREFIX):
            self.calls[key.removeprefix(CALL_PREFIX)] = _calls.decode(value)
        elif key.startswith(COUNT_PREFIX):
            self.counts[key.removeprefix(COUNT_PREFIX)] = _counts.decode(value)
        else:
            self.spent = _spent.decode(value)

    # --- sending ------------------------------------------------------------------------------------------------------

    def to_send(self, chain_s: int, now_s: int) -> Iterator[tuple[str, OpenCall]]:
        """Yield the calls that the chain lacks and that are due or too old, the oldest first.

        Args:
            chain_s: The time of the newest block, by which accounts judge the window of a call.
            now_s: The present time. Both are Unix seconds.
        """
        for call_id, call in self.calls.items():
            if not call.accepted and (call.execute_after < chain_s or is_old(call, now_s)):
                yield call_id, call

    def executed_of(self, account: str, nonce: int, day: int) -> Iterator[tuple[str, Attempt]]:
        """Yield the calls of a wallet whose transactions of a day a block has executed, or reverted, and no fact names.

        Args:
            account: The wallet.
            nonce: The nonce of the account that sends.
            day: The day.
        """
        for call_id, call in self.calls.items():
            attempt = call.attempt
            if call.account != account or call.accepted or attempt is None:
                continue
            if attempt.day == day and attempt.nonce < nonce:
                yield call_id, attempt

    def spent_by(self, account: str, day: int) -> int:
        """Return the gas that given-up calls of a wallet have used on a day."""
        return self.spent.gas.get(account, 0) if day == self.spent.day else 0

    def note_attempt(self, call_id: str, attempt: Attempt) -> None:
        """Note the transaction of a call before it is sent. An earlier one with the same nonce is kept."""
        call = self.calls[call_id]
        if (before := call.attempt) and before.nonce == attempt.nonce:
            replaced = tuple(each for each in before.hashes if each != attempt.tx_hash)
            attempt = replace(attempt, gas=max(before.gas, attempt.gas), replaced=replaced)
        self._put(call_id, replace(call, attempt=attempt))

    def note_sent(self, nonce: int, tx_hash: str) -> None:
        """Note that the node has taken a transaction: no other one with its nonce will be executed."""
        for call_id, call in self.calls.items():
            if (attempt := call.attempt) and attempt.nonce == nonce:
                sent = replace(attempt, replaced=()) if attempt.tx_hash == tx_hash else None
                self._put(call_id, replace(call, attempt=sent))

    def postpone(self, call_id: str) -> None:
        """Let all other calls go first."""
        self.calls[call_id] = self.calls.pop(call_id)

    def note_unanswered(self, call_id: str) -> None:
        """Note that the node gave no answer about a call, and did about others."""
        self._unanswered[call_id] += 1

    def unanswered(self, call_id: str) -> int:
        """Return how often the node gave no answer about a call since the start."""
        return self._unanswered[call_id]

    def refuse(self, call_id: str, reason: str) -> SponsoredCallReported:
        """End a call as refused, and count the gas of its reverted transaction. Return the report for the user."""
        call = self._end(call_id)
        if call.attempt and reason == REVERTED:
            self._count_spent(call.account, call.attempt)
        return SponsoredCallReported(call_id=call_id, user_id=call.user_id, outcome="refused", reason=reason)

    def _count_spent(self, account: str, attempt: Attempt) -> None:
        if attempt.day < self.spent.day:
            return
        gas = dict(self.spent.gas) if attempt.day == self.spent.day else {}
        gas[account] = gas.get(account, 0) + attempt.gas
        self.spent = Spent(attempt.day, gas)
        self.changed.add(SPENT_KEY)

    # --- events -------------------------------------------------------------------------------------------------------

    def _asked(self, event: Event[SponsorCall]) -> list[AnyEvent]:
        data, user_id = event.data, event.partitionkey
        if data.call_id in self.calls:
            return []
        request = request_of(data.call_id)
        count = self.counts.pop(request, None)
        if count:
            self.changed.add(f"{COUNT_PREFIX}{request}")
        elif Counter(call.user_id for call in self.calls.values())[user_id] >= OPEN_CALLS_MAX:
            refused = SponsoredCallReported(
                call_id=data.call_id, user_id=user_id, outcome="refused", reason="too_many_calls"
            )
            return [event.then(refused, subject=data.call_id)]
        self._requests[request] = data.call_id
        call = OpenCall(
            user_id, data.account, data.nonce, data.execute_after, data.execute_before, data.calls, data.signature,
            asked_s=event.time // SECOND_US, accepted=count is not None,
        )  # fmt: skip
        self._put(data.call_id, call)
        return [self._executed(event, data.call_id, count)] if count and count.final else []

    def _sponsored(self, event: Event[TransactionSponsored]) -> list[AnyEvent]:
        data = event.data
        if data.contract != self._paymaster:
            return []
        count = None if data.finality == "retracted" else Count(data.tx_hash, data.gas, data.finality == "final")
        call_id = self._requests.get(data.request)
        if call_id is None:
            if data.sponsor == self._sponsor:  # the command of another sponsor's request never comes
                self._keep(data.request, count)
            return []
        if count and count.final:
            return [self._executed(event, call_id, count)]
        self._put(call_id, replace(self.calls[call_id], accepted=count is not None))
        return []

    def _executed(self, event: AnyEvent, call_id: str, count: Count) -> AnyEvent:
        """End a call whose count is final. Return the report, which follows the later one of command and fact."""
        call = self._end(call_id)
        said = SponsoredCallReported(
            call_id=call_id, user_id=call.user_id, outcome="executed", tx_hash=count.tx_hash, gas=count.gas
        )
        return event.then(said, subject=call_id, key=call.user_id)

    def _keep(self, request: str, count: Count | None) -> None:
        """Keep the count of a request that was not read yet; None to keep none."""
        if count:
            self.counts[request] = count
        elif self.counts.pop(request, None) is None:
            return
        self.changed.add(f"{COUNT_PREFIX}{request}")

    def _put(self, call_id: str, call: OpenCall) -> None:
        self.calls[call_id] = call
        self.changed.add(f"{CALL_PREFIX}{call_id}")

    def _end(self, call_id: str) -> OpenCall:
        del self._requests[request_of(call_id)]
        self._unanswered.pop(call_id, None)
        self.changed.add(f"{CALL_PREFIX}{call_id}")
        return self.calls.pop(call_id)


def is_old(call: OpenCall, now_s: int) -> bool:
    """Return whether a call was not sent for so long that it is given up."""
    return call.attempt is None and now_s >= call.asked_s + SPONSOR_CALL_OPEN_S


_calls, _counts, _spent = decoder(OpenCall), decoder(Count), decoder(Spent)
