"""Collect spans from all threads of a process, and send them to a collector from a thread of its own."""

from __future__ import annotations

import logging
import os
import random
import ssl
import threading
import time
from collections import deque
from typing import Final

import httpx

from streams.connect.otlp.encoding import encode
from streams.connect.otlp.settings import OtlpSettings, OtlpSettingsError
from streams.spans import Attributes, Span
from streams.trace_context import SPAN_BYTES

RETRIES: Final = (0.5, 2.0)
"""Pauses before another attempt, in seconds. The collector that is away for longer loses the spans."""
RETRYABLE: Final = frozenset({429, 502, 503, 504})
CLOSE_S: Final = 2.0
"""How long the end of a process waits for the last spans."""
RANDOM_DIGITS: Final = 14
"""Digits at the end of a trace's id that are random (https://www.w3.org/TR/trace-context-2/#random-trace-id-flag)."""

logger = logging.getLogger(__name__)


class Exporter:
    """The `Spans` of a process that records traces.

    Attributes:
        dropped: How many spans were dropped, because too many waited or the collector did not take them.
    """

    def __init__(self, settings: OtlpSettings, resource: Attributes, version: str, ratio: float) -> None:
        """Prepare the export; `start` begins it.

        Args:
            settings: Where to send spans, and how many at once.
            resource: What the process is.
            version: The version of the product.
            ratio: The part of new traces that is sampled, 0 to 1.

        Raises:
            OtlpSettingsError: the file of the authorities cannot be read.
        """
        self.dropped = 0
        self._settings = settings
        self._verify = _authorities(settings.certificate)
        self._resource = {**resource, **settings.resource}
        self._version = version
        self._ratio = ratio
        self._waiting: deque[Span] = deque()
        self._due = threading.Event()
        self._closing = threading.Event()
        self._complained = False
        self._thread = threading.Thread(target=self._run, name="spans", daemon=True)

    def start(self) -> None:
        """Start the thread that sends."""
        self._thread.start()

    def now_ns(self) -> int:
        """Return the time, Unix nanoseconds."""
        return time.time_ns()

    def samples(self, trace_id: str | None = None) -> bool:
        """Return whether a new trace is to be recorded. Clients cannot foresee it, nor ask for it.

        By a known id, all processes with the same ratio decide alike.
        """
        if trace_id is not None:
            return int(trace_id[-RANDOM_DIGITS:], 16) < self._ratio * 16**RANDOM_DIGITS
        return random.random() < self._ratio  # noqa: S311 - nothing is kept secret by it

    def new_id(self) -> str:
        """Return a new span id."""
        return os.urandom(SPAN_BYTES).hex()

    def add(self, span: Span) -> None:
        """Take a span."""
        waiting = self._waiting
        if len(waiting) >= self._settings.queue_max:
            self.dropped += 1
            return
        waiting.append(span)
        if len(waiting) >= self._settings.batch_max:
            self._due.set()

    def close(self) -> None:
        """Send what waits, for at most `CLOSE_S`."""
        self._closing.set()
        self._due.set()
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        settings = self._settings
        with httpx.Client(headers=settings.headers, timeout=settings.timeout_s, verify=self._verify) as client:
            while not self._closing.is_set():
                self._due.wait(settings.every_s)
                self._due.clear()
                self._send_all(client)
            self._send_all(client)

    def _send_all(self, client: httpx.Client) -> None:
        while self._waiting:
            count = min(len(self._waiting), self._settings.batch_max)
            spans = [self._waiting.popleft() for _ in range(count)]
            try:
                why = self._send(client, encode(spans, self._resource, self._version))
            except Exception as error:  # the thread must outlive a fault of one request
                logger.exception("spans could not be sent")
                why = type(error).__name__
            if why is not None:
                self.dropped += count
            self._report(why)

    def _send(self, client: httpx.Client, body: bytes) -> str | None:
        """Send a request, again when that may help. Return why the spans are lost, or None."""
        why = None
        for pause_s in (*RETRIES, None):
            try:
                answer = client.post(
                    self._settings.endpoint, content=body, headers={"Content-Type": "application/x-protobuf"}
                )
            except httpx.HTTPError as error:
                why = type(error).__name__
            else:
                if answer.is_success:
                    return None
                why = f"status {answer.status_code}"
                if answer.status_code not in RETRYABLE:
                    return why
            if pause_s is None or self._closing.wait(pause_s):
                break
        return why

    def _report(self, why: str | None) -> None:
        """Log once that spans are lost, and once that the collector takes them again."""
        if why is not None and not self._complained:
            logger.warning("spans are lost: %s by the collector at %s", why, self._settings.endpoint)
        elif why is None and self._complained:
            logger.warning("the collector takes spans again; %d were lost", self.dropped)
        self._complained = why is not None


def _authorities(certificate: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=certificate)
    except OSError as error:  # an ssl.SSLError is one too
        why = f"OTEL_EXPORTER_OTLP_CERTIFICATE is not a readable file of certificates: {type(error).__name__}"
        raise OtlpSettingsError(why) from None
