"""Bytes that a remembered event takes in a table's snapshot on a real server: packed buckets, and one row an id.

    python -m tests.bench.remembered

A plain table of ids would have one row an id: the id as key, `1` as value.
"""

import tempfile
from pathlib import Path

import redis
from faust_redis.log.keys import Keys

from agents.processed import ProcessedEvents, content_of, name_hash_of, number_of, scope_of
from agents.rulebook import packaged_rulebook
from deploy.server.embedded import EmbeddedServer
from deploy.server.server_binary import find_binary
from streams.ids import fill_event_id
from streams.times import SECOND_US, Instant
from tables.trading import TRADING_PROCESSED
from tables.unit_of_work import UnitOfWork

EVENTS = 300_000
EVENTS_A_USER = (30, 300, 30_000)
SNAPSHOT = Keys("astra").snapshot("bench", 0)


def packed(events: int, users: int) -> dict[bytes, bytes]:
    """Return the rows after fills of a number of users, one a second, in turn."""
    rows: dict[bytes, bytes] = {}
    processed = ProcessedEvents(
        UnitOfWork(lambda _: rows), TRADING_PROCESSED, repeats_days=packaged_rulebook().repeats_days
    )
    for number in range(events):
        scope = scope_of(f"trader-{number % users:06}", "venue-1")
        content = content_of((number_of(f"38080604{number}"), number_of("BTC"), True, number))
        processed.judge(scope, name_hash_of(f"0ec41f7b90af2c31-{number}"), Instant(number * SECOND_US), content)
    return rows


def one_row_an_id(events: int, users: int) -> dict[bytes, bytes]:
    """Return a row for each id."""
    return {
        fill_event_id("venue-1", f"trader-{number % users:06}", f"0ec41f7b90af2c31-{number}").encode(): b"1"
        for number in range(events)
    }


def memory(client: "redis.Redis", rows: dict[bytes, bytes]) -> int:
    """Return the bytes that the server says a snapshot of these rows takes."""
    client.delete(SNAPSHOT)
    items = list(rows.items())
    for start in range(0, len(items), 10_000):
        client.hset(SNAPSHOT, mapping=dict(items[start : start + 10_000]))
    used = client.memory_usage(SNAPSHOT, samples=0)
    assert isinstance(used, int)
    return used


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        server = EmbeddedServer(Path(directory), find_binary(None))
        server.start()
        try:
            client = redis.Redis.from_url(server.url)
            for each in EVENTS_A_USER:
                users = EVENTS // each
                before = memory(client, one_row_an_id(EVENTS, users))
                rows = packed(EVENTS, users)
                after = memory(client, rows)
                print(  # noqa: T201
                    f"{each:,} events a user: one row an id {before / EVENTS:.1f} B an event, "
                    f"packed {after / EVENTS:.1f} B in {len(rows):,} rows of at most {max(map(len, rows.values()))} B"
                )
        finally:
            server.stop()


if __name__ == "__main__":
    main()
