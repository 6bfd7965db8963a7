"""A user who trades for practice over HTTP, and a reader of the log for the effects of the user's commands."""

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
from faust_redis.log.sharded import open_log

from streams import topics
from streams.topics import NAMESPACE
from tests.e2e.fills import new_user
from tests.e2e.pipeline import Pipeline
from tests.e2e.topic_records import records_of

Answer = dict[str, Any]


def post_price(pipeline: Pipeline, market: str, price: str) -> str:
    """Post a mark price and wait until every partition trades at it; return its position."""
    body = {"prices": [{"market": market, "price": price}]}
    service = pipeline.client("service", "oracle")
    position: str = accepted(service.post("/v1/prices", json=body))["position"]
    seen = service.get("/v1/users/nobody/portfolio", params={"after": position})
    assert seen.status_code in {httpx.codes.OK, httpx.codes.NOT_FOUND}, seen.text
    return position


def accepted(answer: httpx.Response) -> Answer:
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    whole: Answer = answer.json()
    return whole


@dataclass
class Trader:
    """A new user with a token. Reads wait for the last command."""

    pipeline: Pipeline
    user: str
    after: str | None = None

    @classmethod
    def new(cls, pipeline: Pipeline) -> "Trader":
        return cls(pipeline, new_user())

    @property
    def client(self) -> httpx.Client:
        return self.pipeline.client("user", self.user)

    def open(self, market: str, **order: Any) -> Answer:
        body = {"market": market, "side": "long", "notional_usd": "1000.00", "leverage": 10, **order}
        return self._done(self.client.post("/v1/trades", json=body))

    def close(self, trade_id: str) -> Answer:
        return self._done(self.client.post(f"/v1/trades/{trade_id}/close"))

    def _done(self, answer: httpx.Response) -> Answer:
        whole = accepted(answer)
        self.after = whole["position"]
        return whole

    def read(self, what: str) -> Answer:
        """Read `progress`, `positions` or `portfolio`, including the effect of the last command."""
        parameters = {} if self.after is None else {"after": self.after}
        answer = self.client.get(f"/v1/users/{self.user}/{what}", params=parameters)
        assert answer.status_code == httpx.codes.OK, answer.text
        whole: Answer = answer.json()
        return whole

    def position(self, market: str) -> Answer | None:
        rows = [row for row in self.read("positions")["positions"] if row["market"] == market]
        assert len(rows) <= 1
        return rows[0] if rows else None

    def followed(self, command: Answer) -> list[Answer]:
        """Return the trading domain's events for a command, oldest first; call it after a read that waited."""
        return [event for event in self.events() if event.get("causationid") == command["event_id"]]

    def events(self) -> list[Answer]:
        """Return all of the trading domain's events for this user."""
        everything = events_of(self.pipeline, topics.TRADING_EVENTS)
        return [event for event in everything if event["partitionkey"] == self.user]


def kind(event: Answer) -> str:
    return str(event["type"].split(".")[2])


def events_of(pipeline: Pipeline, topic: str) -> list[Answer]:
    """Return all events of a topic, each partition in its order."""
    return asyncio.run(_events(pipeline.broker_url, topic))


async def _events(url: str, topic: str) -> list[Answer]:
    async with open_log(url, NAMESPACE) as log:
        partitions = await records_of(log, topic)
        return [
            orjson.loads(record.value)
            for records in partitions.values()
            for record in records
            if record.value is not None
        ]
