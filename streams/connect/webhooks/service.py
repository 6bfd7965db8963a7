"""Keep webhooks running: lead, read on for each subscription, and post what is due."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from streams.connect.webhooks.reader import Reader
from streams.connect.webhooks.sender import Sender
from streams.connect.webhooks.store import WebhookStore
from streams.times import SECOND_US

LEAD_S: Final = 15
"""How long another process waits after the leader has stopped renewing its lead."""
PAUSE_S: Final = 0.5
WORKS_S: Final = 5.0
"""A process that has not finished a round for so long is not ready."""


class WebhookService:
    """One process's part in delivering webhooks.

    Attributes:
        leads: Whether this process delivers; another one does otherwise.
        sender: What posts, with its counts.
    """

    def __init__(
        self, store: WebhookStore, reader: Reader, sender: Sender, holder: str, now: Callable[[], int]
    ) -> None:
        self.leads = False
        self.sender = sender
        self._store, self._reader, self._holder, self._now = store, reader, holder, now
        self._worked_s = -WORKS_S
        self._leads_until_us = 0

    @property
    def works(self) -> bool:
        """Return whether the last round ended a short while ago."""
        return time.monotonic() - self._worked_s < WORKS_S

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            if not await self.round():
                await asyncio.sleep(PAUSE_S)

    async def _take_lead(self) -> None:
        """Take the lead if it is free; renew it when half of it is over."""
        now_us, span_us = self._now(), LEAD_S * SECOND_US
        if self.leads and self._leads_until_us - now_us > span_us // 2:
            return
        self.leads = await self._store.lead(self._holder, now_us, now_us + span_us)
        self._leads_until_us = now_us + span_us

    async def round(self) -> bool:
        """Read and post once. Return whether there was anything to do."""
        await self._take_lead()
        busy = False
        if self.leads:
            webhooks = {webhook.id: webhook for webhook in await self._store.subscriptions()}
            for webhook in webhooks.values():
                busy = (await self._reader.read(webhook)).records > 0 or busy
            busy = await self.sender.send_due(webhooks) > 0 or busy
        self._worked_s = time.monotonic()
        return busy
