"""Clients that report fills and repeat each request until it is accepted, as a venue does, and remember the answers."""

from __future__ import annotations

import itertools
import secrets
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, Self

import httpx

from tests.e2e.fills import fill, new_user
from tests.e2e.pipeline import Pipeline
from tests.e2e.waiting import eventually

SENDERS: Final = 4
FILLS_A_REQUEST: Final = 3
PAUSE_S: Final = 0.03
RETRY_S: Final = 0.1
VISIBLE_WITHIN_MS: Final = 20_000


@dataclass(slots=True)
class Request:
    """A request with its key, and the answer once it is accepted.

    Attributes:
        accepted_s: When it was accepted, by the monotonic clock.
        events: The ids of its events.
    """

    key: str
    body: dict[str, Any]
    user: str
    accepted_s: float = 0.0
    events: tuple[str, ...] = ()
    position: str = ""


@dataclass
class Load:
    """Senders of fills, and a reader that measures when an effect is visible.

    Attributes:
        accepted: The accepted requests.
        visible_s: When a fill of the reader was visible in a table.
    """

    pipeline: Pipeline
    accepted: list[Request] = field(default_factory=list)
    visible_s: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        token = self.pipeline.token("venue", "venue-1")
        admin = self.pipeline.token("admin", "auditor")
        self._threads = [threading.Thread(target=self._send, args=(token,)) for _ in range(SENDERS)]
        self._threads.append(threading.Thread(target=self._look, args=(token, admin)))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        eventually(lambda: len(self.visible_s) > 0, within_s=VISIBLE_WITHIN_MS / 1_000, what="an effect is visible")
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send(self, token: str) -> None:
        with self.pipeline.client_with(token) as client:
            while not self._stop.is_set():
                self.post(client, new_request())
                time.sleep(PAUSE_S)

    def _look(self, token: str, admin: str) -> None:
        with self.pipeline.client_with(token) as client, self.pipeline.client_with(admin) as reader:
            while not self._stop.is_set():
                request = new_request()
                if self.post(client, request) and self._is_visible(reader, request):
                    self.visible_s.append(time.monotonic())
                time.sleep(PAUSE_S)

    def post(self, client: httpx.Client, request: Request) -> bool:
        """Send a request until it is accepted; return whether it was before the load ended."""
        while not self._stop.is_set():
            try:
                answer = client.post("/v1/fills", json=request.body, headers={"Idempotency-Key": request.key})
            except httpx.TransportError as exc:
                self._refused(str(exc) or type(exc).__name__)
                continue
            if answer.status_code == HTTPStatus.ACCEPTED:
                request.accepted_s = time.monotonic()
                request.events = tuple(event["event_id"] for event in answer.json()["events"])
                request.position = answer.json()["position"]
                self.accepted.append(request)
                return True
            self._refused(f"{answer.status_code} {answer.json().get('title', '')}")
        return False

    def _refused(self, why: str) -> None:
        self.errors.append(why)
        time.sleep(RETRY_S)

    @staticmethod
    def _is_visible(reader: httpx.Client, request: Request) -> bool:
        try:
            answer = reader.get(
                f"/v1/users/{request.user}/progress",
                params={"after": request.position, "wait_ms": VISIBLE_WITHIN_MS},
            )
        except httpx.TransportError:
            return False
        return answer.status_code == HTTPStatus.OK


def new_request() -> Request:
    """Return a request with fills of a new user."""
    user = new_user()
    return Request(secrets.token_hex(16), {"fills": [fill(user) for _ in range(FILLS_A_REQUEST)]}, user)


def send_again(pipeline: Pipeline, requests: Sequence[Request]) -> None:
    """Send accepted requests once more, with the same keys."""
    client = pipeline.client("venue", "venue-1")
    for request in requests:
        client.post("/v1/fills", json=request.body, headers={"Idempotency-Key": request.key}).raise_for_status()


def longest_gap(times: Sequence[float], since: float) -> float:
    """Return the longest time between two moments, of which the second one is after `since`."""
    ordered = sorted(times)
    return max((after - before for before, after in itertools.pairwise(ordered) if after > since), default=0.0)
