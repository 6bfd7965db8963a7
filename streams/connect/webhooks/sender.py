"""Post deliveries to their receivers: one at a time for each subscription, several subscriptions at once."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import httpx

from streams.connect.webhooks.attempt import Attempt, record_attempt
from streams.connect.webhooks.signing import signed_headers
from streams.connect.webhooks.store import Delivery, Webhook, WebhookStore
from streams.spans import Spans
from streams.times import SECOND_US

TIMEOUT_S: Final = 10.0
DUE_MAX: Final = 200
REST_FIRST_S: Final = 5
REST_MAX_S: Final = 600
"""A receiver that failed gets nothing for a while, which doubles with each failure in a row."""
AT_ONCE_MAX: Final = 20
CONTENT_TYPE: Final = "application/cloudevents+json"


@dataclass(slots=True)
class Counts:
    """What a sender has done since its start."""

    delivered: int = 0
    failed: int = 0
    given_up: int = 0


class Sender:
    """Posts the deliveries of one database."""

    def __init__(
        self,
        store: WebhookStore,
        client: httpx.AsyncClient,
        secret_of: Callable[[Webhook], str],
        now: Callable[[], int],
        spans: Spans | None = None,
    ) -> None:
        """Create a sender.

        Args:
            store: The deliveries.
            client: Posts; it follows no redirects, and refuses addresses that must not be reached.
            secret_of: Returns the secret of a subscription.
            now: Returns Unix microseconds.
            spans: Where the process records its spans; None without traces.
        """
        self._store, self._client, self._secret_of, self._now = store, client, secret_of, now
        self._spans = spans
        self._slots = asyncio.Semaphore(AT_ONCE_MAX)
        self._failures: dict[str, int] = {}
        self._rests_until_us: dict[str, int] = {}
        self.counts = Counts()

    async def send_due(self, webhooks: Mapping[str, Webhook]) -> int:
        """Try each due delivery of these subscriptions once. Return how many were due."""
        queues: dict[str, list[Delivery]] = defaultdict(list)
        now_us = self._now()
        awake = [name for name in webhooks if self._rests_until_us.get(name, 0) <= now_us]
        for delivery in await self._store.due(now_us, awake, DUE_MAX):
            queues[delivery.webhook_id].append(delivery)
        await asyncio.gather(*(self._send_all(webhooks[name], queue) for name, queue in queues.items()))
        return sum(map(len, queues.values()))

    async def _send_all(self, webhook: Webhook, deliveries: Sequence[Delivery]) -> None:
        """Try deliveries of one subscription in turn, up to the first failure."""
        async with self._slots:
            for delivery in deliveries:
                attempt = await self._attempt(webhook, delivery)
                if attempt.failed:
                    await self._fail(delivery, attempt.error)
                    return
                self.counts.delivered += 1
                self._failures.pop(webhook.id, None)
                await self._store.delivered(delivery)

    async def _fail(self, delivery: Delivery, error: str) -> None:
        self.counts.failed += 1
        failures = self._failures[delivery.webhook_id] = self._failures.get(delivery.webhook_id, 0) + 1
        rest_s = min(REST_FIRST_S * 2 ** (failures - 1), REST_MAX_S)
        self._rests_until_us[delivery.webhook_id] = self._now() + rest_s * SECOND_US
        if await self._store.failed(delivery, error, self._now()):
            self.counts.given_up += 1

    async def _attempt(self, webhook: Webhook, delivery: Delivery) -> Attempt:
        """Post a delivery, and record it where the process records spans."""
        if self._spans is None:
            return await self._post(webhook, delivery)
        began_ns = self._spans.now_ns()
        attempt = await self._post(webhook, delivery)
        record_attempt(self._spans, delivery, attempt, began_ns)
        return attempt

    async def _post(self, webhook: Webhook, delivery: Delivery) -> Attempt:
        """Post a delivery."""
        timestamp_s = self._now() // SECOND_US
        signed = signed_headers(self._secret_of(webhook), delivery.event_id, timestamp_s, delivery.body)
        headers = {"Content-Type": CONTENT_TYPE, **signed}
        try:
            async with asyncio.timeout(TIMEOUT_S):
                answer = await self._client.post(webhook.url, content=delivery.body, headers=headers)
        except TimeoutError:
            return Attempt(None, "TimeoutError", f"no answer within {TIMEOUT_S:g} s")
        except httpx.HTTPError as exc:
            return Attempt(None, type(exc).__name__, f"{type(exc).__name__}: {exc}")
        status = answer.status_code
        return Attempt(status) if answer.is_success else Attempt(status, str(status), f"HTTP {status}")
