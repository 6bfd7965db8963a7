"""How an agent begins again after a failed event: at once, however many there are.

Faust's supervisor does not start the actor that it puts in a dead one's place, so that each second failure stops the
agent for five seconds, and two within 10 ms end the worker. Here a failed event costs the others nothing; restarts for
other reasons are paced.
"""

from __future__ import annotations

from typing import Any

from mode.supervisors import OneForOneSupervisor


class Restarts(OneForOneSupervisor):
    """Restarts dead actors; paced when they die faster than 100 a second, never giving up."""

    def __init__(self, *services: Any, **kwargs: Any) -> None:
        super().__init__(*services, **{**kwargs, "raises": None})

    async def restart_service(self, service: Any) -> None:
        """Put a new actor in a dead one's place and start it."""
        index = self._index[service]
        await super().restart_service(service)
        await self._services[index].maybe_start()
