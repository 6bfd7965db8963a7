"""Watch a worker with a sensor of one's own.

python sensor.py worker
python sensor.py send readings '{"value": 3}'
"""

import os
from collections import Counter
from typing import Any

import faust
from faust.sensors import Sensor

app = faust.App("sensor", broker=os.environ.get("BROKER_URL", "redis://localhost:6379"))


class Reading(faust.Record):
    """A reading of an instrument."""

    value: int


class Counting(Sensor):
    """Counts what the worker does."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seen: Counter[str] = Counter()

    def on_stream_event_in(self, tp: Any, offset: int, stream: Any, event: Any) -> dict[str, Any] | None:
        """Count an event that an agent received."""
        self.seen["received"] += 1
        return super().on_stream_event_in(tp, offset, stream, event)

    def on_stream_event_out(self, tp: Any, offset: int, stream: Any, event: Any, state: Any = None) -> None:
        """Count an event that an agent finished."""
        self.seen["finished"] += 1

    def on_table_set(self, table: Any, key: Any, value: Any) -> None:
        """Count a write to a table."""
        self.seen["written"] += 1

    def on_commit_completed(self, consumer: Any, state: Any) -> None:
        """Count a commit."""
        self.seen["committed"] += 1


readings = app.topic("readings", value_type=Reading)
counted = app.topic("counted", value_type=dict)
sums = app.Table("sums", default=int)
counting = Counting()
app.sensors.add(counting)


@app.agent(readings)
async def add(stream: faust.StreamT[Reading]) -> None:
    """Add a reading to the sum."""
    async for reading in stream:
        sums["all"] += reading.value


@app.timer(interval=0.5)
async def report() -> None:
    """Send what the sensor has seen."""
    await counted.send(value=dict(counting.seen))
    print(dict(counting.seen), flush=True)


if __name__ == "__main__":
    app.main()
