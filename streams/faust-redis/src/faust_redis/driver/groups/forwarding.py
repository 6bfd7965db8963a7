"""Forward what a group sends to other shards, on the group's leader."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final, Protocol

from faust_redis.driver.tasks import cancel_and_wait
from faust_redis.log.errors import DamagedPartitionError, LogUnavailableError
from faust_redis.log.forwarding import Forwarder, Source, Target

LOOK_S: Final = 0.2
"""How often a member looks whether it leads its group."""


class Leader(Protocol):
    """The group membership, as forwarding needs it."""

    @property
    def leads(self) -> bool:
        """Return whether this member leads its group."""


class Forwarding:
    """Runs a forwarder for each other shard while this member leads its group.

    A leader that was replaced and has not noticed forwards nothing twice, so no fence is needed.
    """

    def __init__(self, source: Source, targets: Mapping[int, Target], group: str, leader: Leader) -> None:
        self._source = source
        self._targets = targets
        self._group = group
        self._leader = leader
        self._forwarders: list[Forwarder] = []

    async def run(self) -> None:
        """Forward while this member leads, until the task is cancelled."""
        while self._targets:
            if self._leader.leads:
                await self._lead()
            await asyncio.sleep(LOOK_S)

    def damages(self) -> list[DamagedPartitionError]:
        """Return the damaged partitions of other shards for which records wait."""
        return [each.error for each in self._forwarders if isinstance(each.error, DamagedPartitionError)]

    def refusals(self) -> list[str]:
        """Return why other shards that answer do not take records, apart from damaged partitions."""
        errors = [each.error for each in self._forwarders if each.error is not None]
        return [
            f"records for another shard wait: {error}"
            for error in errors
            if not isinstance(error, DamagedPartitionError | LogUnavailableError)
        ]

    async def _lead(self) -> None:
        targets = sorted(self._targets.items())
        self._forwarders = [Forwarder(self._source, target, self._group, number) for number, target in targets]
        tasks = [asyncio.create_task(each.run(), name="forward records") for each in self._forwarders]
        try:
            while self._leader.leads:
                done, _ = await asyncio.wait(tasks, timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        finally:
            self._forwarders = []
            for task in tasks:
                task.cancel()  # waits for nothing: a simulated crash closes this coroutine outside of its loop
        for task in tasks:
            await cancel_and_wait(task)
