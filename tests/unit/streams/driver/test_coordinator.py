"""The coordinator's task, against a broker that is away."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from faust_redis.driver.coordinator import Coordinator
from faust_redis.log import LogUnavailableError


class Away(Coordinator):
    """A member whose broker is away."""

    def __init__(self, *, stops: bool) -> None:
        self.stops = stops
        self.asked = False

    @property
    def should_stop(self) -> bool:
        return self.stops and self.asked

    async def _notice(self, _timeout: float | None) -> None:
        self.asked = True
        raise LogUnavailableError("away")

    def _restless(self) -> bool:
        return False

    _heartbeat: Any = None


async def take_part(member: Coordinator) -> None:
    task = inspect.getattr_static(Coordinator, "_membership")
    await task.fun(member)


async def test_a_member_that_is_to_stop_while_its_broker_is_away_ends_quietly() -> None:
    await take_part(Away(stops=True))


async def test_a_broker_that_is_away_for_good_ends_a_member_loudly() -> None:
    with pytest.raises(LogUnavailableError):
        await take_part(Away(stops=False))
