"""The measured worker: one agent, of the style and kind in its specification.

Run as `python -m tests.bench.apps.worker SPEC`.
"""

from __future__ import annotations

import asyncio
import importlib

import faust
import uvloop
from yarl import URL

from deploy.run.gc_tuning import relax_collector
from tests.bench.apps.spec import WorkerSpec, from_command_line

HEARTBEATS_PER_LEASE = 5


def build(spec: WorkerSpec) -> faust.App:
    """Build the app and register its agent."""
    app = faust.App(
        spec.app,
        broker=[URL(spec.url).update_query(namespace=spec.namespace)],
        broker_session_timeout=spec.lease_s,
        broker_heartbeat_interval=spec.lease_s / HEARTBEATS_PER_LEASE,
        broker_rebalance_timeout=20.0,
        store=spec.store,
        datadir=spec.directory,
        topic_partitions=spec.partitions,
        topic_replication_factor=1,
        topic_disable_leader=True,
        table_standby_replicas=spec.standbys,
        reply_create_topic=False,
        web_enabled=False,
        autodiscover=False,
    )
    importlib.import_module(f"tests.bench.apps.{spec.style}_agent").register(app, spec)
    return app


def main() -> None:
    """Run the worker until SIGTERM, with the product's event loop and garbage collector settings."""
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    worker = faust.Worker(build(from_command_line()), loop=loop, loglevel="warn", redirect_stdouts=False)
    worker.spinner = None
    relax_collector()
    worker.execute_from_commandline()


if __name__ == "__main__":
    main()
