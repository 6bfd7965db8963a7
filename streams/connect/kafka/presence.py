"""Report the state of a worker on Kafka in the log, as the Redis driver does by itself.

`GET /v1/pipeline` and `astratrade dev` read these reports. A worker continues when the log is away.
"""

from __future__ import annotations

import json
import logging

import faust
from faust_redis.labels import labels_of
from faust_redis.log import Log, LogError
from mode import Service

logger = logging.getLogger(__name__)


class Presence(Service):
    """A service that reports at each heartbeat that the worker lives, and whether its tables are recovered."""

    def __init__(self, views: Log, app: faust.App, member: str, *, interval_s: float, lease_ms: int) -> None:
        super().__init__()
        self.views = views
        self.faust_app = app
        self.member = member
        self._interval_s = interval_s
        self._lease_ms = lease_ms
        self._is_reported = True

    @Service.task
    async def _report_regularly(self) -> None:
        while not self.should_stop:
            await self._report(self._lease_ms)
            await self.sleep(self._interval_s)

    async def on_stop(self) -> None:
        """Report that the worker leaves."""
        await self._report(0)
        await self.views.close()

    async def _report(self, lease_ms: int) -> None:
        app = self.faust_app
        generation = app.consumer_generation_id
        recovered = app.rebalancing_count > 0 and not app.rebalancing
        labels = dict(labels_of(app))
        status = json.dumps({"generation": generation, "recovered": recovered, "labels": labels})
        state = "stable" if recovered else "preparing"
        try:
            await self.views.groups.announce(
                app.conf.id, self.member, lease_ms=lease_ms, generation=generation, state=state, status=status
            )
        except LogError as exc:
            if self._is_reported:
                logger.warning("cannot report to the views that this worker lives: %s", exc)
            self._is_reported = False
        else:
            self._is_reported = True
