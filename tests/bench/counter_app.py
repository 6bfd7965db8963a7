"""The measured worker: one agent, stateless or with a table counter. Configured by BENCH_* variables.

Run as `python -m tests.bench.counter_app`; it notes in a file when it began event WARM_UP, with its CPU time then.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

import faust
from yarl import URL

from deploy.collector import relax_collector


def build(env: dict[str, str]) -> faust.App:
    """An app with one agent over the preloaded topic; kind `table` counts events by key, `stateless` does not."""
    app = faust.App(
        env["BENCH_APP"],
        broker=[URL(env["BENCH_URL"]).update_query(namespace=env["BENCH_NAMESPACE"])],
        store=env["BENCH_STORE"],
        datadir=env["BENCH_DATA"],
        topic_partitions=int(env["BENCH_PARTITIONS"]),
        topic_replication_factor=1,
        topic_disable_leader=True,
        web_enabled=False,
        autodiscover=False,
    )
    topic = app.topic(env["BENCH_TOPIC"], key_type=str, value_serializer="json", partitions=app.conf.topic_partitions)
    note = Note(int(env["BENCH_WARM_UP"]), Path(env["BENCH_OUT"]))
    if env["BENCH_KIND"] == "table":
        count(app, topic, note)
    else:
        look(app, topic, note)
    return app


class Note:
    """Writes down, once, the time at which the warm-up was over."""

    def __init__(self, warm_up: int, out: Path) -> None:
        self._left = warm_up
        self._out = out

    def step(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._out.write_text(json.dumps({"wall": time.monotonic(), "cpu": time.process_time()}))


def count(app: faust.App, topic: Any, note: Note) -> None:
    """The study's table agent: `counts[key] += 1`."""
    counts = app.Table("counts", default=int, partitions=app.conf.topic_partitions, key_type=str)

    @app.agent(topic)
    async def counter(stream: Any) -> None:
        async for key, _ in stream.items():  # noqa: PERF102 - a stream, not a dict
            counts[key] += 1
            note.step()


def look(app: faust.App, topic: Any, note: Note) -> None:
    """The study's stateless agent: it reads a field."""

    @app.agent(topic)
    async def reader(stream: Any) -> None:
        async for value in stream:
            value["amount"]
            note.step()


if __name__ == "__main__":
    worker = faust.Worker(build(dict(os.environ)), loglevel="warn", redirect_stdouts=False)
    worker.spinner = None
    relax_collector()
    worker.execute_from_commandline()
