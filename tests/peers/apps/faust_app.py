"""Faust unchanged, on Kafka: the same typed event and the same agent as ours, a changelogged table.

Option: ``at_least_once`` or ``exactly_once``, then ``memory`` or ``rocksdb``.
"""

from typing import Any

import faust

from tests.peers.apps.job import Job, Meter, from_command_line

JOIN_S = 6.0
"""The least that Kafka takes. Some brokers let a first member wait for others for half of it, which is not measured."""


class Order(faust.Record, serializer="json"):
    id: int
    key: str
    amount: float
    pad: str


def build(job: Job) -> faust.App:
    guarantee, store = job.option.split()
    app = faust.App(
        job.group,
        broker=f"kafka://{job.broker}",
        processing_guarantee=guarantee,
        store={"memory": "memory://", "rocksdb": "rocksdb://"}[store],
        datadir=job.directory,
        topic_partitions=4,
        topic_replication_factor=1,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=JOIN_S,
        broker_rebalance_timeout=JOIN_S,
        broker_heartbeat_interval=JOIN_S / 6,
        web_enabled=False,
        autodiscover=False,
    )
    counts = app.Table("counts", default=int, partitions=4, key_type=str)
    meter = Meter(job)

    @app.agent(app.topic(job.topic, key_type=str, value_type=Order, partitions=4))
    async def count(stream: Any) -> None:
        async for order in stream:
            counts[order.key] += 1
            if meter.step():
                meter.finish(dict(counts.items()))

    return app


if __name__ == "__main__":
    worker = faust.Worker(build(from_command_line()), loglevel="warn", redirect_stdouts=False)
    worker.spinner = None
    worker.execute_from_commandline()
