"""Trims the log: the leader of a group goes through all topics now and then. What may go is decided in the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mode import Service, get_logger

from faust_redis.log import LogUnavailableError
from faust_redis.log.trimming import TRIM_INTERVAL_S, trim_all

if TYPE_CHECKING:
    from faust_redis.driver.coordinator import Coordinator

logger = get_logger(__name__)


class Retention(Service):
    """Trims what is past its retention and needed by nobody."""

    logger = logger

    def __init__(self, coordinator: Coordinator, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._coordinator = coordinator

    @Service.timer(TRIM_INTERVAL_S)
    async def _trim(self) -> None:
        if self._coordinator.leads:
            try:
                removed = await trim_all(self._coordinator.transport.broker)
            except LogUnavailableError:
                return  # next time
            if removed:
                self.log.info("trimmed %d records that are past their retention and needed by nobody", removed)
