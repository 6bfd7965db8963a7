"""A user's sponsored calls: pending from the command on, until the sink says what became of them."""

from __future__ import annotations

from msgspec.structs import replace

from streams.events import AnyEvent, Event
from streams.events.chain import SponsoredCallReported
from streams.events.user import SponsorCall
from tables.unit_of_work import UnitOfWork
from tables.user import SPONSORED_CALLS_MAX, USER_SPONSORED, SponsoredCall, SponsoredCalls


class Sponsored:
    """Keeps the sponsored calls of a partition's users, with the result that the sink reports for each."""

    def __init__(self, tables: UnitOfWork) -> None:
        self._rows = tables.rows(USER_SPONSORED)

    def ask(self, event: Event[SponsorCall]) -> list[AnyEvent]:
        """Note a call, in the place of the oldest one."""
        self._note(event.partitionkey, SponsoredCall(call_id=event.data.call_id, at=int(event.time)))
        return []

    def report(self, event: Event[SponsoredCallReported]) -> list[AnyEvent]:
        """Note what became of a call; of one whose command comes later, too."""
        said = event.data
        call = SponsoredCall(
            call_id=said.call_id,
            status=said.outcome,
            reason=said.reason,
            tx_hash=said.tx_hash,
            gas=said.gas,
            at=int(event.time),
        )
        self._note(event.partitionkey, call)
        return []

    def remove(self, user_id: str) -> None:
        """Delete the rows of a user whose account was closed."""
        self._rows.delete(user_id)

    def _note(self, user_id: str, call: SponsoredCall) -> None:
        row = self._rows.get(user_id) or SponsoredCalls()
        known = {each.call_id: each for each in row.calls}
        if call.status == "pending" and call.call_id in known:
            return
        calls = [*({**known, call.call_id: call}).values()]
        self._rows.put(user_id, replace(row, calls=tuple(calls[-SPONSORED_CALLS_MAX:])))
