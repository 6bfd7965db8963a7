"""A member's group membership while its broker is away."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from faust_redis.driver.groups.fencing import Fencing
from faust_redis.driver.groups.membership import Membership
from faust_redis.hooks import HookList
from faust_redis.log import LogUnavailableError
from faust_redis.log.shards import WHOLE


class Away(Membership):
    """A member whose broker is away."""

    def __init__(self, *, stops: bool) -> None:
        self.stops = stops
        self.stop_requested = False
        nothing: Any = SimpleNamespace()
        super().__init__(
            nothing, nothing, "g", "m",
            listener=lambda: nothing, generations=nothing, fencing=Fencing(), topics=nothing, shard=WHOLE,
            stores=list, restorer=nothing, standbys=nothing, hooks=HookList(), labels={},
        )  # fmt: skip

    @property
    def should_stop(self) -> bool:
        return self.stops and self.stop_requested

    async def _wait_for_change(self, _timeout_s: float | None) -> None:
        self.stop_requested = True
        raise LogUnavailableError("away")


async def test_a_member_that_is_to_stop_while_its_broker_is_away_ends_quietly() -> None:
    await Away(stops=True).run()


async def test_a_broker_that_is_away_for_good_ends_a_member_loudly() -> None:
    with pytest.raises(LogUnavailableError):
        await Away(stops=False).run()
