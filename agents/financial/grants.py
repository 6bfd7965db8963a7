"""Stellar shards that the platform grants, and those that members give to their constellations."""

from __future__ import annotations

from agents.financial.entries import moved
from agents.financial.ledger import Ledger
from streams.events import AnyEvent, Event
from streams.events.battles import BattleFought
from streams.events.constellations import ContributionRequested
from streams.events.financial import ContributionPaid, ContributionRefused
from streams.events.gamification import AchievementUnlocked, RewardClaimed
from streams.units import Quantity
from tables.accounts import EMISSION, available, constellation


class Grants:
    """The grants and contributions of a partition's users."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def achieved(self, event: Event[AchievementUnlocked]) -> list[AnyEvent]:
        """Grant the shards of an achievement."""
        return self._grant(event, "achievement", event.data.ss)

    def claimed(self, event: Event[RewardClaimed]) -> list[AnyEvent]:
        """Pay a reward that was claimed."""
        return self._grant(event, "reward", event.data.ss)

    def fought(self, event: Event[BattleFought]) -> list[AnyEvent]:
        """Pay the prize of a battle."""
        return self._grant(event, "battle_prize", event.data.prize_ss)

    def contribute(self, event: Event[ContributionRequested]) -> list[AnyEvent]:
        """Move a member's shards to the constellation, if the member has them."""
        data, account = event.data, available(event.partitionkey)
        amount = Quantity.of(data.amount)
        if self._ledger.balance(account, "SS") < amount:
            refusal = ContributionRefused(
                contribution_id=data.contribution_id,
                constellation_id=data.constellation_id,
                reason="insufficient_funds",
            )
            return [event.then(refusal)]
        movement = moved("contribution", "SS", amount, source=account, target=constellation(data.constellation_id))
        paid = ContributionPaid(
            contribution_id=data.contribution_id, constellation_id=data.constellation_id, amount=data.amount
        )
        return [self._ledger.post(event, movement), event.then(paid)]

    def _grant(self, event: AnyEvent, reason: str, shards: int) -> list[AnyEvent]:
        if not shards:
            return []
        target = available(event.partitionkey)
        return [self._ledger.post(event, moved(reason, "SS", Quantity.of(shards), source=EMISSION, target=target))]
