"""Publish the status of a member, which readiness checks read."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from faust_redis.driver.broker import ConsumerGroups
from faust_redis.log import LogUnavailableError

logger = logging.getLogger(__name__)


class Status:
    """The published status of one member."""

    def __init__(self, groups: ConsumerGroups, group: str, member: str, labels: Mapping[str, str]) -> None:
        self._groups = groups
        self._group = group
        self._member = member
        self._labels = labels
        self._published = ""

    async def publish(
        self,
        generation: int,
        assigned: int,
        *,
        recovered: bool,
        restored: int = 0,
        total: int | None = None,
        damaged: Sequence[str] = (),
    ) -> None:
        """Publish the status when it has changed. If the broker is unreachable, publish it later.

        Args:
            generation: The generation that the member has installed; 0 for none.
            assigned: How many partitions it owns.
            recovered: Whether its tables equal the log.
            restored: How many rows and records it has read so far, while its tables are being recovered.
            total: How many it has to read in all, while that is known.
            damaged: Why it holds partitions back, one text each.
        """
        status: dict[str, Any] = {"generation": generation, "assigned": assigned, "recovered": recovered}
        if not recovered:
            status["restored"] = restored
            if total is not None:
                status["total"] = total
        if damaged:
            status["damaged"] = list(damaged)
        if self._labels:
            status["labels"] = dict(self._labels)
        text = json.dumps(status)
        if text != self._published:
            try:
                await self._groups.set_status(self._group, self._member, text)
            except LogUnavailableError as exc:
                logger.debug("the status is published later: %s", exc)
            else:
                self._published = text

    async def clear(self) -> None:
        """Remove the status."""
        await self._groups.clear_status(self._group, self._member)
