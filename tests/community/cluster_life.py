"""Let a community live on the cluster of the rules' tests: no server, no process, seconds for a small one.

`lived(plan)` returns the cluster and its journal. With a `random`, the domains and partitions advance in a random order
within each step; the rows must not depend on it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random
from typing import Any

from streams.events import EventData
from streams.ids import derived_id, fill_event_id, timestamp_ms, uuid7, withdrawal_id_of
from streams.times import Instant
from tests.community.account_events import AccountEvents
from tests.community.behaviour.acts import ORACLE, VENUE, AccountAct, Act, Reported
from tests.community.behaviour.life import Life, Plan, Told
from tests.community.behaviour.view import SEEN, View
from tests.community.cluster_run import event_of, key_of
from tests.community.journal import PRICE, TICK, Entry
from tests.community.rulebook import rulebook
from tests.unit.agents.cluster import Cluster

NAMED = {
    "CreateConstellation": ("constellation_id", ""),
    "ChallengeBattle": ("battle_id", ""),
    "RequestMint": ("mint_id", "mint"),
    "ListNFT": ("listing_id", "listing"),
    "BuyNFT": ("purchase_id", "purchase"),
    "ShareContent": ("content_id", "content"),
    "Withdraw": ("withdrawal_id", "withdrawal"),
}
"""The ids that the gateway gives, by command: the field, and the name from which it derives; "" for the event's own."""


class ClusterBackend:
    """A backend without processes. Its gateway is as small as can be: every command is accepted.

    Attributes:
        journal: What was accepted.
        steps: For each step, the length of the journal at its end.
    """

    def __init__(self, partitions: int, seed: int, random: Random | None = None, kept_days: int | None = None) -> None:
        self.cluster = Cluster(partitions, rulebook(kept_days), random=random)
        self.journal: list[Entry] = []
        self.steps: list[int] = []
        self._ids = Random(f"ids {seed}")
        self._accounts = AccountEvents(self._new_id)

    async def tick(self, at: int) -> None:
        self.cluster.post_tick(Instant(at))
        self._note(TICK, "", at, self.cluster.events[-1].id, {})
        self._settle()

    async def accounts(self, at: int, acts: Sequence[AccountAct]) -> list[Entry]:
        before = len(self.journal)
        for act in acts:
            for name, data in self._accounts.of(act):
                user = data["user_id"]
                self._post(name, user, at, self._new_id(at), data)
        self._settle()
        return self.journal[before:]

    async def price(self, at: int, market: str, price: str) -> None:
        self._post(PRICE, "", at, self._new_id(at), {"market": market, "price": price})
        self._settle()

    async def commands(self, at: int, acts: Sequence[Act]) -> None:
        for act in acts:
            if act.user not in self._accounts.suspended:
                self._send(act, at)
        self._settle()

    async def fills(self, at: int, fills: Sequence[Reported]) -> None:
        for fill in fills:
            event_id = fill_event_id(VENUE, fill.data["user_id"], fill.data["fill_id"])
            self._post("ReportFill", VENUE, fill.at, event_id, {**fill.data, "venue": VENUE})
        self._settle()

    async def chain(self, at: int, events: Sequence[Act]) -> None:
        for event in events:
            self._post(event.name, "", at, self._new_id(at), event.data)
        self._settle()

    async def view(self) -> View:
        return view_of(self.cluster)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        self.steps.append(len(self.journal))
        self.cluster.run()

    def _send(self, act: Act, at: int) -> None:
        event_id, data = self._new_id(at), dict(act.data)
        if act.name in NAMED:
            field, name = NAMED[act.name]
            data.setdefault(field, derived_id(timestamp_ms(event_id), event_id, name) if name else event_id)
            if name == "withdrawal":
                data[field] = withdrawal_id_of(event_id)
        if act.name in {"ListNFT", "UnlistNFT"}:
            data["seller"] = act.user
        self._post(act.name, act.user, at, event_id, data)

    def _post(self, name: str, user: str, at: int, event_id: str, data: dict[str, Any]) -> None:
        entry = self._note(name, user, at, event_id, data)
        event: EventData = event_of(entry)
        self.cluster.post(event, key_of(entry, event), Instant(at), event_id)

    def _note(self, name: str, user: str, at: int, event_id: str, data: dict[str, Any]) -> Entry:
        user = ORACLE if name == PRICE and user else user
        entry = Entry(number=len(self.journal), at=at, name=name, user=user, id=event_id, data=data)
        self.journal.append(entry)
        return entry

    def _new_id(self, at: int) -> str:
        return uuid7(at // 1000, self._ids.randbytes(10))


def view_of(cluster: Cluster) -> View:
    """Return the rows of a cluster as people see them."""
    raw: dict[str, dict[str, bytes]] = {}
    for spec in SEEN:
        rows = raw.setdefault(spec.name, {})
        for workers in cluster.workers:
            rows |= {key.decode(): value for key, value in workers[spec.domain].maps[spec.name].items()}
    return View(raw)


def lived(
    plan: Plan,
    partitions: int = 4,
    random: Random | None = None,
    told: Told = lambda _day, _people: None,
    kept_days: int | None = None,
) -> ClusterBackend:
    """Let a community live, and return the backend with its cluster and journal."""
    backend = ClusterBackend(partitions, plan.seed, random, kept_days)
    asyncio.run(Life(plan, backend, told).live())
    return backend
