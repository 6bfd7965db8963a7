"""Quix Streams: a stateful count in RocksDB with a changelog topic. Option: ``at-least-once`` or ``exactly-once``.

The clocks stop when `run` returns: it commits its last checkpoint before that.
"""

from pathlib import Path
from typing import Any, Literal, cast

from quixstreams import Application
from quixstreams.state import State

from tests.peers.apps.job import Meter, from_command_line


def main() -> None:
    job = from_command_line()
    app = Application(
        broker_address=job.broker,
        consumer_group=job.group,
        auto_offset_reset="earliest",
        state_dir=Path(job.directory),
        loglevel="ERROR",
        processing_guarantee=cast("Literal['at-least-once', 'exactly-once']", job.option),
    )
    meter, counts = Meter(job), dict[str, int]()

    def count(order: Any, state: State) -> None:
        number = cast("int", state.get("n", 0)) + 1
        state.set("n", number)
        counts[order["key"]] = number
        meter.step()

    app.dataframe(app.topic(job.topic, value_deserializer="json")).update(count, stateful=True)
    app.run(count=job.total, collect=False)
    meter.finish(counts)


if __name__ == "__main__":
    main()
