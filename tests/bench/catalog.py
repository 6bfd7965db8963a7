"""The parts of the benchmark by name; each is a module of `tests.bench.parts`, imported on demand."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import cast

from tests.bench.parameters import Parameters
from tests.bench.result import Result

Part = Callable[[Parameters], Iterator[Result]]

PARTS = {
    "agent": "events per second through one Faust agent on our driver, one worker process",
    "latency": "from append to committed output, at a part of the throughput measured just before (open loop)",
    "scaling": "the same agent on several workers, and how many of them one broker feeds",
    "product": "fills per second from the topic of commands to the last table, all domains",
    "shards": "CPU of a fill on one broker, on two and on three, with a worker each",
    "partitions": "the same with 4, 12 and 32 partitions on one broker with one worker",
    "steady": "CPU of a fill where fills come one by one, at a fixed rate: worker, broker and each domain; and idle",
    "tracing": "the same, one request a fill: with traces off, of 1 % and of all requests, in turn",
    "community": "commands of a simulated community through six services: CPU and latency by domain",
    "ingress": "requests per second that the API takes, of a fill, an order and 500 fills, without workers",
    "visible": "from accepted to seen on the live feed, at a fixed rate (open loop)",
    "feed": "the same at each of many subscribers, some of them slow; also of rows written straight",
    "sockets": "the same feeds over one WebSocket and as server-sent events: what the API spends on each",
    "outbox": "from a commit of rows and events to the log, on both databases; commits per second of writers",
    "flood": "what clients without a token can do to others who open more feeds and connections than there are slots",
    "commit": "the cost of one commit by its size: how long the client waits and the server serves no other client",
    "recovery": "a table that comes back, from its snapshot and from its tail; bytes of a key on broker and disk",
    "startup": "from the start of a worker process until its tables, which are on disk, are recovered",
    "rolling": "how long a partition pauses while each of three workers is stopped and started in turn",
    "failover": "how long from a SIGKILL of one of three workers until every partition commits again",
    "resize": "how long topics take no records when 4 partitions become 32: rows of --players on all boards move",
    "memory": "bytes of a user, a fill and other acts on broker and disk: the sums of `astratrade bench memory`",
    "players": "memory, writes and reads of the boards of many players, beside two other ways to keep them",
    "soak": "memory of worker and broker over --minutes at full speed, and whether it is flat",
}


def part(name: str) -> Part:
    """Return the function that measures a part."""
    return cast("Part", importlib.import_module(f"tests.bench.parts.{name}").measure)
