"""Kill and pause the processes of an installation while its people act, from a seed."""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random

from tests.community.servers.installation import ON_SHARD, Installation

CHANCE = 0.06
"""The chance that a step of commands or fills is disturbed."""
CROWD_CHANCE = 0.3
"""The same for a crowd, whose few steps have many commands."""
MANY = 10**6
WITHIN_S = 0.25
PAUSE_S = (0.3, 4.0)
AWAY_S = 0.5
KINDS = ("kill a service", "kill a service", "pause a service", "kill the gateway", "kill the relay")


class Faults:
    """Makes faults. `disturb` is called when a step begins; `settle` waits until all processes run again."""

    def __init__(self, installation: Installation, seed: int, chance: float, faults_max: int = MANY) -> None:
        """Create the faults.

        Args:
            installation: Whose processes are disturbed.
            seed: Decides about faults.
            chance: The chance that a step is disturbed.
            faults_max: How many faults there are at most.
        """
        self.counts: Counter[str] = Counter()
        self._installation = installation
        self._random = Random(f"faults {seed}")
        self._chance = chance
        self._left = faults_max
        self._running: set[asyncio.Task[None]] = set()

    def disturb(self) -> None:
        """Begin a fault, perhaps, unless one is under way."""
        if self._running or not self._left or self._random.random() >= self._chance:
            return
        self._left -= 1
        task = asyncio.get_running_loop().create_task(self._fault(self._random.choice(KINDS)))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def settle(self) -> None:
        """Wait until the fault that is under way is over."""
        await asyncio.gather(*self._running)

    async def _fault(self, kind: str) -> None:
        await asyncio.sleep(self._random.uniform(0, WITHIN_S))
        self.counts[kind] += 1
        installation = self._installation
        match kind:
            case "kill the gateway":
                installation.api.kill()
                await asyncio.sleep(self._random.uniform(0, AWAY_S))
                installation.start_api()
            case "kill the relay":
                installation.relay.kill()
                await asyncio.sleep(self._random.uniform(0, AWAY_S))
                installation.start_relay()
            case "pause a service":
                service = installation.services[self._random.choice(sorted(installation.services))]
                service.pause()
                await asyncio.sleep(self._random.uniform(*PAUSE_S))
                service.resume()
            case _:
                name = self._random.choice(sorted(installation.services))
                installation.services[name].kill()
                await asyncio.sleep(self._random.uniform(0, AWAY_S))
                domains, _, shard = name.partition(ON_SHARD)
                installation.start_service(domains.split(), int(shard or 0))
