"""Requests to an API that is killed now and then: an answer, or none that tells what was done."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

RETRY_S = 0.1
WAIT_S = 0.3
ANSWER_S = 30.0
"""Longer than all of the API's own time-outs together."""

NOT_TOLD = {429, 503}
"""The request may be sent again; whether something was done is not told."""


class Gateway:
    """Sends requests. Counts the answers by status; 0 stands for a connection that broke."""

    def __init__(self, client: httpx.AsyncClient, statuses: Counter[int]) -> None:
        self._client = client
        self._statuses = statuses

    async def send(
        self,
        method: str,
        path: str,
        *,
        address: str,
        token: str = "",
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> httpx.Response | None:
        """Return the answer; None when the client cannot know whether the API did what it was asked.

        Raises:
            AssertionError: the API answered that it had failed, or did not answer at all.
        """
        sent = {"X-Forwarded-For": address, **(headers or {})}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        try:
            answer = await self._client.request(method, path, headers=sent, **more)
        except httpx.TimeoutException as exc:
            raise AssertionError(f"{method} {path} got no answer within {ANSWER_S:.0f} s") from exc
        except httpx.TransportError:
            self._statuses[0] += 1
            await asyncio.sleep(RETRY_S)
            return None
        self._statuses[answer.status_code] += 1
        if answer.status_code in NOT_TOLD:
            await asyncio.sleep(WAIT_S)
            return None
        assert answer.status_code < 500, f"{method} {path} was answered {answer.status_code}: {answer.text[:500]}"
        return answer


@asynccontextmanager
async def gateway(url: str, statuses: Counter[int]) -> AsyncIterator[Gateway]:
    """Yield a gateway to the API at a URL."""
    async with httpx.AsyncClient(base_url=url, timeout=ANSWER_S, trust_env=False, verify=False) as client:
        yield Gateway(client, statuses)
