"""Give the topics of an installation more partitions while its people act, by the command that operators run."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from random import Random
from typing import Final

from faust_redis.log import Log, LogError
from faust_redis.resizing import in_progress

from tests.community.servers.installation import Installation
from tests.e2e.children import Child

LOOK_S: Final = 0.01
MOMENT_S: Final = 2.0
"""About how long the command takes until it closes the topics."""
PATIENCE_S: Final = 60.0
"""How long a step waits for the command. Rows that cannot be divided yet can be after a later tick."""
ACTS_MIN: Final = 4
ENDS_WITHIN_S: Final = 60.0


class Growth:
    """Runs the command in one step of commands, and again in a later one when rows cannot be divided yet.

    Attributes:
        due: Whether the next step of commands is to have it.
        length: How long the journal was at the end of the step in which the topics were resized; None before.
        late: How many commands were sent when topics had closed.
        tries: How often the command was run.
    """

    def __init__(self, installation: Installation, new: int, seed: int) -> None:
        self.due = False
        self.length: int | None = None
        self.late = self.tries = 0
        self._installation = installation
        self._new = new
        self._random = Random(f"growth {seed}")
        self._child: Child | None = None
        self._begun = asyncio.Event()

    @property
    def runs(self) -> bool:
        """Return whether the command runs in this step."""
        return self._child is not None

    def disturb(self, log: Log, acts: int) -> None:
        """Run the command, if it is due and the step has some commands."""
        if not self.due or self.length is not None or acts < ACTS_MIN:
            return
        self.tries += 1
        self._relay = self._installation.relay
        self._relay.ended_by_us = True
        self._child = self._start("resize", str(self._installation.partitions), str(self._new))
        self._begun.clear()
        self._looking = asyncio.create_task(self._look(log))

    def _start(self, *words: str) -> Child:
        child = self._installation.start(f"partitions-{words[0]}-{self.tries}", "partitions", *words)
        child.ended_by_us = True  # its status is an answer
        return child

    async def _look(self, log: Log) -> None:
        """Notice that the topics have closed."""
        while self._child is not None and self._child.exit_code is None:
            with suppress(LogError):
                if any([await in_progress(shard) for shard in log.shards]):
                    break
            await asyncio.sleep(LOOK_S)
        self._begun.set()

    async def moment(self) -> None:
        """Wait for the moment of a command of this step: before topics close, or just after."""
        if not self.runs:
            return
        if self._random.random() < 0.5:
            await self._begun.wait()
            self.late += 1
        else:
            await asyncio.sleep(self._random.uniform(0, MOMENT_S))

    async def settle(self, length: int) -> bool:
        """Wait until the command has ended. Return whether the topics have their new number now.

        Raises:
            AssertionError: the command failed, or the relay went on with the old number.
        """
        child, self._child = self._child, None
        if child is None:
            return False
        if not await _ended(child, PATIENCE_S):
            child.kill()
            await _ended(child, PATIENCE_S)
            cancel = self._start("cancel")
            await _ended(cancel, PATIENCE_S)
            return False
        await self._looking
        assert child.exit_code == 0, child.last_words()
        assert await _ended(self._relay, ENDS_WITHIN_S), "the relay goes on with the old number"
        self._installation.relay.kill()  # another one, if a fault ended the first
        self._installation.start_relay()
        self.length = length
        return True


async def _ended(child: Child, within_s: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            while child.exit_code is None:  # noqa: ASYNC110 - another process decides
                await asyncio.sleep(LOOK_S)
    return child.exit_code is not None
