"""A plain script with redis-py: it reads fills from a stream, and acknowledges each batch in the MULTI of its writes.

Rows are JSON in hashes. A board is a sorted set, and a hash has the time at which each score was reached. The script is
the only writer, so nothing changes between its reads and its MULTI.
"""

from collections.abc import Callable, Iterable
from typing import Any

import orjson
from redis import Redis

from tests.peers.apps.job import Job, Meter, from_command_line
from tests.peers.product.apps.rules import Played, Row, added, boards_of, fee_days, periods_of, play

BATCH = 500
FIELD = b"__data__"
ROWS = ("progress", "trades", "positions")
SCAN_ROWS = 1_000


class Batch:
    """The rows and sums of some fills."""

    def __init__(self, redis: Redis, fills: Iterable[Row]) -> None:
        self.redis = redis
        by_id = {fill["fill_id"]: fill for fill in fills}
        seen = redis.smismember("seen", list(by_id))
        self.fills = [fill for fill, known in zip(by_id.values(), seen, strict=True) if not known]
        self.standings: dict[tuple[str, str], list[Any]] = {}
        self.fees: dict[tuple[str, str], int] = {}
        self.events: list[Row] = []
        self.rows = dict(zip(ROWS, self._read(), strict=True)) if self.fills else {}

    def _read(self) -> list[dict[str, Row | None]]:
        keys = [list(dict.fromkeys(several)) for several in zip(*map(_keys, self.fills), strict=True)]
        pipe = self.redis.pipeline(transaction=False)
        for name, several in zip(ROWS, keys, strict=True):
            pipe.hmget(name, several)
        found = zip(keys, pipe.execute(), strict=True)
        return [
            {key: orjson.loads(row) if row else None for key, row in zip(several, rows, strict=True)}
            for several, rows in found
        ]

    def play(self) -> None:
        """Apply the fills to the rows."""
        for fill in self.fills:
            several = [(self.rows[name], key) for name, key in zip(ROWS, _keys(fill), strict=True)]
            progress, trade, position = (rows[key] for rows, key in several)
            played = play(progress, trade, position, fill)
            for (rows, key), row in zip(several, played[:3], strict=True):
                rows[key] = row
            self.add(played, fill)

    def add(self, played: Played, fill: Row) -> None:
        """Add what a fill brings to boards, fees and events."""
        for board, scope, amount in played.points:
            for period in periods_of(fill["executed_at"][:10]):
                key = f"{board}/{scope}/{period}", fill["user_id"]
                self.standings[key] = added(self.standings.get(key), amount, played.at)
        for day in fee_days(fill):
            self.add_fees(day, played)
        self.events += played.events

    def add_fees(self, key: str, played: Played) -> None:
        """Add the shares of a fill's fee to a hash."""
        for name, amount in played.fees.items():
            self.fees[key, name] = self.fees.get((key, name), 0) + amount

    def store(self, job: Job, ids: list[bytes]) -> None:
        """Write everything and acknowledge the fills, all or nothing."""
        pipe = self.redis.pipeline(transaction=True)
        self.write(pipe)
        pipe.xack(job.topic, job.group, *ids)
        pipe.execute()

    def write(self, pipe: Any) -> None:
        """Write everything."""
        if self.fills:
            pipe.sadd("seen", *(fill["fill_id"] for fill in self.fills))
            for name, rows in self.rows.items():
                pipe.hset(name, mapping={key: orjson.dumps(row) for key, row in rows.items()})
        for (board, user), (score, at, changed) in self.standings.items():
            pipe.zincrby(f"board:{board}", score, user)
            set_time = pipe.hset if changed else pipe.hsetnx
            set_time(f"reached:{board}", user, at)
        for (day, name), amount in self.fees.items():
            pipe.hincrby(f"fees:{day}", name, amount)
        for event in self.events:
            pipe.xadd("events", {"type": event["type"], "event": orjson.dumps(event)})


def _keys(fill: Row) -> tuple[str, str, str]:
    user = fill["user_id"]
    return user, f"{user}|{fill['trade_id']}", f"{user}|{fill['market']}"


def results(redis: Any) -> dict[str, Any]:
    """Return the tables that the race checks; ranks come from a board's set and times."""
    standings = {}
    for key in redis.scan_iter("board:*", count=SCAN_ROWS):
        board = key.decode().removeprefix("board:")
        times = redis.hgetall(f"reached:{board}")
        for user, score in redis.zrange(key, 0, -1, withscores=True):
            standings[board, user.decode()] = (int(score), int(times[user]))
    return {
        **{name: rows_of(redis.hgetall(name)) for name in ("progress", "positions")},
        "boards": boards_of(standings),
        "fees": {
            key.decode().removeprefix("fees:"): {name.decode(): int(sum_) for name, sum_ in redis.hgetall(key).items()}
            for key in redis.scan_iter("fees:*", count=SCAN_ROWS)
        },
        "events": [
            (fields[b"type"].decode(), orjson.loads(fields[b"event"])["data"]) for _, fields in redis.xrange("events")
        ],
    }


def rows_of(stored: dict[bytes, bytes]) -> dict[str, Row]:
    """Return the rows of a hash."""
    return {key.decode(): orjson.loads(row) for key, row in stored.items()}


def run(batch_of: type[Batch], results: Callable[[Any], dict[str, Any]]) -> None:
    """Process all fills of the stream."""
    job = from_command_line()
    meter = Meter(job)
    redis: Any
    with Redis.from_url(job.broker) as redis:
        over = False
        while not over:
            ((_, entries),) = redis.xreadgroup(job.group, "one", {job.topic: ">"}, count=BATCH)
            batch = batch_of(redis, (orjson.loads(fields[FIELD]) for _, fields in entries))
            batch.play()
            batch.store(job, [entry_id for entry_id, _ in entries])
            over = meter.step(len(entries))
        meter.stop()
        meter.finish(results(redis))


if __name__ == "__main__":
    run(Batch, results)
