"""Restart an agent at once after a failed event.

Faust's supervisor does not start the actor that replaces a dead one. So every second failure stops the agent for five
seconds, and two failures within 10 ms end the worker. This supervisor starts the new actor. It still limits the rate of
restarts.
"""

from __future__ import annotations

from typing import Any

from mode.supervisors import OneForOneSupervisor


class Restarts(OneForOneSupervisor):
    """Restarts dead actors without giving up, but slows down when they die faster than 100 times per second."""

    def __init__(self, *services: Any, **kwargs: Any) -> None:
        super().__init__(*services, **{**kwargs, "raises": None})

    async def restart_service(self, service: Any) -> None:
        """Replace a dead actor and start the new one."""
        index = self._index[service]
        await super().restart_service(service)
        await self._services[index].maybe_start()
