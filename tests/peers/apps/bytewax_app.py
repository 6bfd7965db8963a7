"""Bytewax: a stateful count of a Kafka topic. Option: ``memory``, or ``recovery`` for its recovery store (SQLite).

The clocks stop when the dataflow ends, after its last epoch was stored.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import bytewax.operators as op
import orjson
from bytewax.connectors.kafka import KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.testing import TestingSink, run_main

from tests.peers.apps.job import Meter, from_command_line

EPOCH = timedelta(seconds=1)
"""How often state is written: more often than by default (10 s), so that it is written in a run at all."""


def main() -> None:
    job = from_command_line()
    meter, counts = Meter(job), dict[str, int]()

    def decode(message: Any) -> tuple[str, Any]:
        order = orjson.loads(message.value)
        return order["key"], order

    def count(state: int | None, order: Any) -> tuple[int, None]:
        number = (state or 0) + 1
        counts[order["key"]] = number
        meter.step()
        return number, None

    flow = Dataflow("peers")
    source = KafkaSource(brokers=[job.broker], topics=[job.topic], tail=False)
    keyed = op.map("decode", op.input("orders", flow, source), decode)
    counted = op.stateful_map("count", keyed, count)
    op.output("nowhere", op.filter("none", counted, lambda _: False), TestingSink([]))
    recovery = None
    if job.option == "recovery":
        directory = Path(job.directory)
        init_db_dir(directory, 1)
        recovery = RecoveryConfig(directory)
    run_main(flow, epoch_interval=EPOCH, recovery_config=recovery)
    meter.finish(counts)


if __name__ == "__main__":
    main()
