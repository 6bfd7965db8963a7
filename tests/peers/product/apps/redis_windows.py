"""The redis-py script with windows of event time: rows of candles, hours and days are JSON in three more hashes.

A batch reads its days before it plays, and its candles and hours before it writes.
"""

from collections.abc import Iterable
from typing import Any

import orjson
from redis import Redis

from tests.peers.product.apps import redis_app
from tests.peers.product.apps.redis_app import Batch, rows_of, run
from tests.peers.product.apps.rules import Played, Row
from tests.peers.product.apps.windows import HOUR_FIELDS, Sums, fee_hour, merged, read_candle, text_of, values_of


class WindowsBatch(Batch):
    """The rows and sums of some fills, with those of windows."""

    def __init__(self, redis: Redis, fills: Iterable[Row]) -> None:
        super().__init__(redis, fills)
        places = dict.fromkeys((fill["user_id"], fill["executed_at"][:10]) for fill in self.fills)
        stored = self._stored("days", ["|".join(place) for place in places])
        self.sums = Sums({place: row for place, row in zip(places, stored, strict=True) if row})

    def add(self, played: Played, fill: Row) -> None:
        """Add what a fill brings, also to its windows."""
        super().add(played, fill)
        self.add_fees(fee_hour(fill), played)
        self.sums.add(fill, played)

    def write(self, pipe: Any) -> None:
        """Write everything, with the windows."""
        super().write(pipe)
        if self.fills:
            _put(pipe, "days", {"|".join(place): row for place, row in self.sums.days.items()})
            _put(pipe, "hours", self._hours())
            _put(pipe, "candles", self._candles())

    def _hours(self) -> dict[int, Row]:
        hours = self.sums.hours
        stored = self._stored("hours", list(hours))
        return {
            begin: {name: row[name] + before[name] for name in HOUR_FIELDS} if before else row
            for (begin, row), before in zip(hours.items(), stored, strict=True)
        }

    def _candles(self) -> dict[str, list[Any]]:
        candles = {text_of(key): candle for key, candle in self.sums.candles().items()}
        stored = self._stored("candles", list(candles))
        return {
            key: values_of(merged(read_candle(before), candle) if before else candle)
            for (key, candle), before in zip(candles.items(), stored, strict=True)
        }

    def _stored(self, name: str, keys: list[Any]) -> list[Any]:
        return [row and orjson.loads(row) for row in self.redis.hmget(name, keys)] if keys else []


def _put(pipe: Any, name: str, rows: dict[Any, Any]) -> None:
    pipe.hset(name, mapping={key: orjson.dumps(row) for key, row in rows.items()})


def results(redis: Any) -> dict[str, Any]:
    """Return the tables that the race checks."""
    return {**redis_app.results(redis), **{name: rows_of(redis.hgetall(name)) for name in ("candles", "hours", "days")}}


if __name__ == "__main__":
    run(WindowsBatch, results)
