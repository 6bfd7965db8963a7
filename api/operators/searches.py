"""Searches of the log: one at a time in a process, bounded, so that requests and feeds go on meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final

from api.kit.problems import UNAVAILABLE, Problem

Behind = Callable[[str, str], Awaitable[bytes]]
"""Finds the events behind the row of a table under a key: the JSON that `astratrade why --format json` prints.

It needs the rules of the domains, which the API has not; so the composition root gives it to the application. It may
raise `SearchError`.
"""

RETRY_S: Final = 2


class SearchError(Exception):
    """A search has failed. The message says why."""


class Searches:
    """The searches of one API process."""

    def __init__(self, behind: Behind | None) -> None:
        self._behind = behind
        self._is_busy = False

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Run the block as the only search of this process.

        Raises:
            Problem: 503 while another one runs, or when the search fails.
        """
        if self._is_busy:
            busy = "this process searches the log for another operator"
            raise Problem(UNAVAILABLE, busy, headers={"Retry-After": str(RETRY_S)})
        self._is_busy = True
        try:
            yield
        except SearchError as exc:
            raise Problem(UNAVAILABLE, str(exc), headers={"Retry-After": str(RETRY_S)}) from exc
        finally:
            self._is_busy = False

    async def behind(self, table: str, key: str) -> bytes:
        """Return the events behind a row, as JSON.

        Raises:
            SearchError: the search has failed, or this process cannot search.
        """
        if self._behind is None:
            raise SearchError("this process was started without the rules of the domains")
        return await self._behind(table, key)
