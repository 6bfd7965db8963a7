"""A feed over server-sent events: one HTTP request for each feed, for networks that let no WebSocket through."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from http import HTTPStatus
from typing import Any

import httpx

from astratrade_client.changes import Change, FeedState, Query
from astratrade_client.errors import FeedEndedError, UnreachableError
from astratrade_client.http import PASSING, Http, problem_of
from astratrade_client.retry import Retry

SILENT_S = 15.0
"""The API says something at least every 5 s."""


async def follow_sse(
    http: Http, retry: Retry, feed: str, query: Mapping[str, Query], state: FeedState
) -> AsyncGenerator[Change]:
    """Yield the changes of a feed; connect again and resume when the connection is lost.

    Raises:
        ProblemError: when the API refuses the feed.
        FeedEndedError: when a private feed was revoked.
        UnreachableError: when there is no connection for the patience of `retry`.
    """
    attempts, renewed = retry.begin(), False
    while True:
        token, wait_s = await http.credentials.token(), None
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        if state.last_id is not None:
            headers["Last-Event-ID"] = state.last_id
        state.reconnect()
        request = http.client.stream(
            "GET", f"/v1/feed/{feed}", params=dict(query), headers=headers, timeout=httpx.Timeout(SILENT_S)
        )
        try:
            async with request as response:
                if response.is_success:
                    attempts, renewed = retry.begin(), False
                    async with aclosing(_changes(response, feed, state)) as changes:
                        async for change in changes:
                            yield change
                else:
                    await response.aread()
                    problem = problem_of(response)
                    if response.status_code == HTTPStatus.UNAUTHORIZED and not renewed:
                        renewed = True
                        if await http.credentials.renew(token):
                            continue
                    if response.status_code not in PASSING:
                        raise problem
                    wait_s = problem.retry_after_s
        except httpx.TransportError:
            wait_s = None
        pause_s = attempts.pause_s(wait_s)
        if pause_s is None:
            raise UnreachableError(f"the feed {feed} cannot be reached at {http.client.base_url}")
        await asyncio.sleep(pause_s)


async def _changes(response: httpx.Response, feed: str, state: FeedState) -> AsyncGenerator[Change]:
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        name, _, value = line.partition(":")
        if line and name:
            fields[name] = value.removeprefix(" ")
            continue
        if not line and "data" in fields:
            data: dict[str, Any] = json.loads(fields["data"])
            if fields.get("event") == "end":
                if data["why"] == "revoked":
                    raise FeedEndedError(feed, data["why"])
                return
            resume = {"id": fields["id"]} if "id" in fields else {}
            change = state.change(fields.get("event", ""), data, **resume)
            if change is not None:
                yield change
        if not line:
            fields = {}
