"""Calls that users want sent at their paymaster's cost, and what the chain says of them. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from contracts.sink.people import request_of
from streams.events import AnyEvent, Event, EventData
from streams.events.chain import SponsoredCallReported, TransactionSponsored
from streams.events.user import ContractCall, SponsorCall
from streams.wire import decoder

CALL_PREFIX: Final = "call-"
OPEN_CALLS_MAX: Final = 5
"""Calls of a user that may be open at the same time."""


class OpenCall(msgspec.Struct, frozen=True):
    """Calls of one user that are signed together, and whether an accepted block has them."""

    user_id: str
    account: str
    nonce: str
    execute_after: int
    execute_before: int
    calls: tuple[ContractCall, ...]
    signature: tuple[str, ...]
    accepted: bool = False


class Calls:
    """All calls that no final block has. `changed` has the keys of the rows that the next write has to have."""

    def __init__(self, paymaster: str, rows: Mapping[str, bytes] | None = None) -> None:
        """Create them from the rows of the log."""
        self.changed: set[str] = set()
        self.calls = {
            key.removeprefix(CALL_PREFIX): _calls.decode(value) for key, value in sorted((rows or {}).items())
        }
        self._paymaster = paymaster
        self._requests = {request_of(call_id): call_id for call_id in self.calls}
        self._rules: Mapping[type[EventData], Callable[[Any], list[AnyEvent]]] = {
            SponsorCall: self._asked,
            TransactionSponsored: self._sponsored,
        }

    def apply(self, event: AnyEvent) -> list[AnyEvent]:
        """Fold an event into what is known. Return the events that follow from it."""
        rule = self._rules.get(type(event.data))
        return rule(event) if rule else []

    def to_send(self, now_s: int) -> Iterator[tuple[str, OpenCall]]:
        """Yield the calls that the chain lacks and whose time has come, the oldest first."""
        for call_id, call in self.calls.items():
            if not call.accepted and call.execute_after < now_s:
                yield call_id, call

    def refuse(self, call_id: str, reason: str) -> SponsoredCallReported:
        """Give up a call. Return what is to be said of it."""
        call = self._end(call_id)
        return SponsoredCallReported(call_id=call_id, user_id=call.user_id, outcome="refused", reason=reason)

    def row(self, key: str) -> bytes | None:
        """Return the row of a key; None when it is to be removed."""
        call = self.calls.get(key.removeprefix(CALL_PREFIX))
        return None if call is None else msgspec.json.encode(call)

    def _asked(self, event: Event[SponsorCall]) -> list[AnyEvent]:
        data, user_id = event.data, event.partitionkey
        if data.call_id in self.calls:
            return []
        if Counter(call.user_id for call in self.calls.values())[user_id] >= OPEN_CALLS_MAX:
            refused = SponsoredCallReported(
                call_id=data.call_id, user_id=user_id, outcome="refused", reason="too_many_calls"
            )
            return [event.then(refused, subject=data.call_id)]
        self._requests[request_of(data.call_id)] = data.call_id
        call = OpenCall(
            user_id, data.account, data.nonce, data.execute_after, data.execute_before, data.calls, data.signature
        )
        self._put(data.call_id, call)
        return []

    def _sponsored(self, event: Event[TransactionSponsored]) -> list[AnyEvent]:
        data = event.data
        call_id = self._requests.get(data.request)
        if call_id is None or data.contract != self._paymaster:
            return []
        if data.finality != "final":
            self._put(call_id, replace(self.calls[call_id], accepted=data.finality == "accepted"))
            return []
        call = self._end(call_id)
        said = SponsoredCallReported(
            call_id=call_id, user_id=call.user_id, outcome="executed", tx_hash=data.tx_hash, gas=data.gas
        )
        return [event.then(said, subject=call_id, key=call.user_id)]

    def _put(self, call_id: str, call: OpenCall) -> None:
        self.calls[call_id] = call
        self.changed.add(f"{CALL_PREFIX}{call_id}")

    def _end(self, call_id: str) -> OpenCall:
        del self._requests[request_of(call_id)]
        self.changed.add(f"{CALL_PREFIX}{call_id}")
        return self.calls.pop(call_id)


_calls = decoder(OpenCall)
