"""Find members of the pipeline that have loaded another rule book than this process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from faust_redis.admin import GroupDescription
from faust_redis.log import LogError

LABEL: Final = "rulebook"
"""The label of a member that names its rule book: version and digest."""

LOOK_EVERY_S: Final = 5.0

logger = logging.getLogger(__name__)


class Groups(Protocol):
    """Where the groups are described. `faust_redis.Admin` implements it."""

    async def describe_groups(self, groups: Sequence[str]) -> list[GroupDescription]:
        """Return the groups of these names, in this order."""


def difference(own: str, groups: Iterable[GroupDescription]) -> str | None:
    """Return a message that names the members with another rule book than `own`, or None.

    A member without the label has not published its status yet, and is left out.
    """
    others = [
        f"{member.name} of {group.name} has {theirs}"
        for group in groups
        for member in group.members
        if (theirs := member.labels.get(LABEL)) not in {None, own}
    ]
    return f"rule books differ: this process has {own}, {', '.join(others)}" if others else None


class RulebookWatch:
    """Logs when members with another rule book appear, and when they are gone."""

    def __init__(self, admin: Groups, groups: Sequence[str], own: str) -> None:
        """Prepare the watch.

        Args:
            admin: Where the groups are described.
            groups: The groups of all domains.
            own: The rule book of this process.
        """
        self._admin = admin
        self._groups = groups
        self._own = own
        self.difference: str | None = None

    async def run(self) -> None:
        """Look every few seconds until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Look once. While the broker is away, keep the last result; other parts log its absence."""
        try:
            found = difference(self._own, await self._admin.describe_groups(self._groups))
        except LogError:
            return
        if found != self.difference:
            logger.warning("%s", found or f"all members have the rule book of this process again: {self._own}")
        self.difference = found
