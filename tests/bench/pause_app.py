"""The worker whose restarts are measured: one agent that counts by key in a RocksDB table. Configured by BENCH_*.

Run as `python -m tests.bench.pause_app`.
"""

import os
from typing import Any

import faust
from yarl import URL


def build(env: dict[str, str]) -> faust.App:
    """An app whose events take no time, so that a pause is the group's."""
    app = faust.App(
        env["BENCH_APP"],
        broker=[URL(env["BENCH_URL"]).update_query(namespace=env["BENCH_NAMESPACE"])],
        store="astra-rocksdb://",
        datadir=env["BENCH_DATA"],
        topic_partitions=int(env["BENCH_PARTITIONS"]),
        topic_replication_factor=1,
        topic_disable_leader=True,
        table_standby_replicas=int(env["BENCH_STANDBYS"]),
        reply_create_topic=False,
        web_enabled=False,
        autodiscover=False,
        broker_session_timeout=float(env["BENCH_LEASE_S"]),
        broker_heartbeat_interval=float(env["BENCH_LEASE_S"]) / 5,
        broker_rebalance_timeout=20.0,
    )
    topic = app.topic(env["BENCH_TOPIC"], key_serializer="raw", value_serializer="raw")
    counts = app.Table("counts", key_type=bytes, value_type=bytes)

    @app.agent(topic)
    async def count(stream: Any) -> None:
        async for event in stream.events():
            counts[event.key] = str(int(counts.get(event.key) or b"0") + 1).encode()

    return app


if __name__ == "__main__":
    worker = faust.Worker(build(dict(os.environ)), loglevel=os.environ.get("BENCH_LOG", "warn"), redirect_stdouts=False)
    worker.spinner = None
    worker.execute_from_commandline()
