"""A live feed may break at any moment; a client that resumes by the last event id ends with exactly the table."""

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.bench.synthetic import write_fills
from tests.e2e.drained import wait_until_drained
from tests.e2e.feed import Row, Subscriber
from tests.e2e.fills import fill, new_user
from tests.e2e.pipeline import Pipeline
from tests.e2e.served import get

FILLS, USERS, TOP = 400, 30, 20
DRAIN_S = 120.0
LATE_S = 30.0
"""How long the feed may take to show what the query shows."""
EVENTS_AT_ONCE = (1, 2, 3, 5, 8)
CONNECTIONS_MIN, CONNECTIONS_MAX = 5, 500


def by_user(row: Row) -> str:
    return str(row["user_id"])


def by_fee(row: Row) -> str:
    return f"{row['day']} {row['beneficiary']}"


def board_rows(pipeline: Pipeline) -> list[Row]:
    page = get(pipeline.client("admin", "auditor"), "/v1/leaderboards/xp", period="all", limit=TOP)
    return list(page["rows"])


def fee_rows(pipeline: Pipeline) -> list[Row]:
    return list(get(pipeline.client("admin", "auditor"), "/v1/fees", day="each")["fees"])


def progress_rows(pipeline: Pipeline) -> list[Row]:
    client = pipeline.client("admin", "auditor")
    users = [row["user_id"] for row in get(client, "/v1/leaderboards/xp", period="all", limit=1_000)["rows"]]
    rows = [get(client, f"/v1/users/{user}/progress") for user in users]
    return [{name: value for name, value in row.items() if name != "position"} for row in rows]


FEEDS: dict[str, tuple[dict[str, str | int], Callable[[Row], str], Callable[[Pipeline], list[Row]]]] = {
    "boards": ({"board": "xp", "period": "all", "top": TOP}, by_user, board_rows),
    "fees": ({"day": "each"}, by_fee, fee_rows),
    "progress": ({}, by_user, progress_rows),
}


@pytest.mark.heavy
def test_subscribers_that_are_cut_off_at_random_end_with_their_tables(tmp_path: Path) -> None:
    chance = random.Random(7)
    file = write_fills(tmp_path / "fills.csv", fills=FILLS, users=USERS)
    with Pipeline(tmp_path, workers=1) as pipeline:
        replay = pipeline.start("replay", "replay", str(file), "--batch", "20", "--rate", "200")
        client = pipeline.client("admin", "auditor")
        subscribers = {
            feed: Subscriber(client, f"/v1/feed/{feed}", identity, parameters)
            for feed, (parameters, identity, _) in FEEDS.items()
        }
        connections = 0
        while replay.exit_code is None and connections < CONNECTIONS_MAX:
            for subscriber in subscribers.values():
                # A busy machine coalesces many rows into few events, so the first disconnects come after one event.
                first = subscriber.connections < CONNECTIONS_MIN
                subscriber.follow(1 if first else chance.choice(EVENTS_AT_ONCE))
            connections += 1
        wait_until_drained(pipeline, commands=FILLS, within_s=DRAIN_S)
        assert replay.exit_code == 0, replay.last_words()
        for feed, subscriber in subscribers.items():
            assert_has_the_table(pipeline, feed, subscriber)


def assert_has_the_table(pipeline: Pipeline, feed: str, subscriber: Subscriber) -> None:
    _, identity, query = FEEDS[feed]
    right = {identity(row): row for row in query(pipeline)}
    if subscriber.table != right:
        late = time.monotonic() + LATE_S  # progress marks come every few seconds
        subscriber.follow(10_000, until=lambda: subscriber.table == right or time.monotonic() > late)
    assert subscriber.table == right, feed
    assert subscriber.connections >= CONNECTIONS_MIN, feed
    assert subscriber.resyncs == 0, "nothing was trimmed, so each resumption continues where it stopped"


def test_a_reader_that_is_cut_off_in_a_snapshot_keeps_nothing_of_it() -> None:
    """A user in the first snapshot alone would stay in the table for ever, since no delta removes the user."""
    snapshots = [
        b'event: snapshot\ndata: {"last":false,"rows":[{"user_id":"%b"}]}\n\n' % user for user in (b"ada", b"bob")
    ]
    headers = {"content-type": "text/event-stream"}
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, headers=headers, content=snapshots.pop(0)))
    with httpx.Client(transport=transport, base_url="http://api") as client:
        subscriber = Subscriber(client, "/v1/feed/boards", by_user)
        subscriber.follow(1)
        subscriber.follow(1)
    assert list(subscriber.table) == ["bob"]


@pytest.mark.heavy
def test_every_trade_comes_once_on_the_tape_however_often_the_reader_is_cut_off(tmp_path: Path) -> None:
    chance = random.Random(7)
    file = write_fills(tmp_path / "fills.csv", fills=FILLS, users=USERS)
    tape: list[str] = []

    class Reader(Subscriber):
        def take(self, event: Any) -> None:
            if event.name in {"snapshot", "delta"}:
                tape.extend(row["id"] for row in event.data["rows"])
            super().take(event)

    with Pipeline(tmp_path, workers=1) as pipeline:
        reader = Reader(pipeline.client("admin", "auditor"), "/v1/feed/trades", lambda row: str(row["id"]))
        reader.follow(2)
        assert reader.current, "it begins with a snapshot of nothing"
        pipeline.start("replay", "replay", str(file), "--batch", "20", "--rate", "200")
        while len(set(tape)) < FILLS and reader.connections < CONNECTIONS_MAX:
            reader.follow(chance.choice(EVENTS_AT_ONCE))
        assert len(tape) == len(set(tape)) == FILLS


def test_a_client_with_an_outdated_event_id_starts_afresh(running: Pipeline) -> None:
    client = running.client("admin", "auditor")
    accepted = running.client("venue", "venue-1").post("/v1/fills", json={"fills": [fill(new_user())]})
    get(client, "/v1/fees", after=accepted.json()["position"])
    for stale in ("rubbish", "000000000000:0-1.1-1.2-1.3-1"):
        subscriber = Subscriber(client, "/v1/feed/fees", by_fee, {"day": "each"}, last_id=stale)
        subscriber.follow(10, until=lambda: subscriber.current)  # noqa: B023 - called before the next one is made
        assert subscriber.resyncs == 1
        assert subscriber.current
        assert subscriber.table
