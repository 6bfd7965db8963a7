"""The claims of names: one row in the partition of the normalised name. So a name belongs to one constellation."""

from __future__ import annotations

from agents.dispatch import Rules
from streams.events import AnyEvent, Event
from streams.events.constellation_steps import (
    MembershipQueried,
    MembershipRefused,
    NameClaimed,
    NameClaimRequested,
    NameQueried,
    NameReleased,
)
from tables.social_constellations import SOCIAL_NAMES, NameClaim
from tables.unit_of_work import UnitOfWork


class Names:
    """The names of a partition."""

    def __init__(self, tables: UnitOfWork) -> None:
        self.rows = tables.rows(SOCIAL_NAMES)

    def rules(self) -> Rules:
        """Return the rules of claims and releases."""
        return {NameClaimRequested: self._requested, NameQueried: self._queried, NameReleased: self._released}

    def _requested(self, event: Event[NameClaimRequested]) -> list[AnyEvent]:
        """Claim a free name for a constellation, which is created next."""
        claim, name = event.data, event.partitionkey
        if self.rows.get(name) is not None:
            refusal = MembershipRefused(
                request_id=claim.request_id, constellation_id=claim.constellation_id, reason="name_taken"
            )
            return [event.then(refusal, key=claim.user_id)]
        self.rows.put(
            name,
            NameClaim(constellation_id=claim.constellation_id, user_id=claim.user_id, since=int(event.time)),
        )
        claimed = NameClaimed(
            request_id=claim.request_id, user_id=claim.user_id, name=claim.name, members_max=claim.members_max
        )
        return [event.then(claimed, key=claim.constellation_id)]

    def _queried(self, event: Event[NameQueried]) -> list[AnyEvent]:
        """Ask the constellation that has the name. Without a claim nothing was founded, and nothing will be."""
        query = event.data
        claim = self.rows.get(event.partitionkey)
        if claim is not None and claim.constellation_id == query.constellation_id:
            asked = MembershipQueried(request_id=query.request_id, user_id=query.user_id, name=query.name)
            return [event.then(asked, key=query.constellation_id)]
        refusal = MembershipRefused(
            request_id=query.request_id, constellation_id=query.constellation_id, reason="expired"
        )
        return [event.then(refusal, key=query.user_id)]

    def _released(self, event: Event[NameReleased]) -> list[AnyEvent]:
        claim = self.rows.get(event.partitionkey)
        if claim is not None and claim.constellation_id == event.data.constellation_id:
            self.rows.delete(event.partitionkey)
        return []
