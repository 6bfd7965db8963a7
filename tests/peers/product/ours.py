"""One run of ours: fills that wait in the topic until all tables are committed, one worker with all domains."""

from __future__ import annotations

import asyncio
import signal
import tempfile
import time
from pathlib import Path

import httpx
import orjson
from faust_redis.log import Log

from api.auth import Role
from deploy.replay.fills import Fill
from streams import topics
from tests.bench.parts.product import post, until_processed
from tests.bench.pipeline import Pipeline
from tests.bench.resource_usage import Spent, peak_mib
from tests.e2e.facts import Facts
from tests.e2e.served import served, served_without_windows
from tests.e2e.topic_records import records_of
from tests.peers.apps.job import cpu_seconds
from tests.peers.product.contestants import Job
from tests.peers.product.raced import Raced, used_memory
from tests.peers.product.results import event_facts

PAGE_ROWS = 1_000
REQUEST_S = 60.0
OUR_EVENTS = (topics.TRADING_EVENTS, topics.GAMIFICATION_EVENTS, topics.FINANCIAL_FEES)


def run(fills: list[Fill], warm_up: int, wanted: Facts, job: Job) -> tuple[Raced, Facts]:
    """Post the first fills, then the rest while the worker is paused; measure from its resumption. Read the results."""
    with tempfile.TemporaryDirectory() as directory, Pipeline(Path(directory), workers=1) as pipeline:
        url, (worker,) = pipeline.server.url, pipeline.workers
        empty = used_memory(url)
        post(pipeline, fills[:warm_up])
        asyncio.run(until_processed(pipeline))
        pipeline.signal_workers(signal.SIGSTOP)
        post(pipeline, fills[warm_up:])
        begun = _now(worker.pid, pipeline.server.pid)
        pipeline.signal_workers(signal.SIGCONT)
        asyncio.run(until_processed(pipeline))
        ended = _now(worker.pid, pipeline.server.pid)
        wall_s, worker_s, broker_s = (after - before for before, after in zip(begun, ended, strict=True))
        kept = (used_memory(url) - empty) / len(fills)
        mib = peak_mib(worker.pid), peak_mib(pipeline.server.pid)
        spent = Spent(len(fills) - warm_up, wall_s, worker_s, broker_s, *mib)
        return Raced(spent, kept), _results(pipeline, wanted, job)


def _now(worker: int, broker: int) -> tuple[float, float, float]:
    return time.monotonic(), cpu_seconds(worker), cpu_seconds(broker)


def _results(pipeline: Pipeline, wanted: Facts, job: Job) -> Facts:
    """Read everything through the API, as a client would, and the events in the log."""
    header = {"Authorization": f"Bearer {pipeline.token(Role.ADMIN)}", "X-Audit-Reason": "the race checks results"}
    with httpx.Client(base_url=pipeline.url, headers=header, timeout=REQUEST_S) as client:
        read = served if job == "windows" else served_without_windows
        found = read(client, wanted, page_rows=PAGE_ROWS)
    return found | event_facts(asyncio.run(_events(pipeline)))


async def _events(pipeline: Pipeline) -> list[tuple[str, dict[str, object]]]:
    found = []
    async with Log(pipeline.server.url, pipeline.settings.namespace) as log:
        for topic in OUR_EVENTS:
            for records in (await records_of(log, topic)).values():
                events = [orjson.loads(record.value) for record in records if record.value is not None]
                found += [(event["type"].split(".")[2], event["data"]) for event in events]
    return found
