"""Count clicks in tumbling and in hopping windows of event time, and report each window when it closes.

python windows.py worker
python windows.py send clicks '{"page": "/home"}'
"""

import os
from typing import Any

import faust

MINUTE_S = 60.0

app = faust.App("windows", broker=os.environ.get("BROKER_URL", "redis://localhost:6379"), table_cleanup_interval=1.0)


class Click(faust.Record):
    """A click on a page."""

    page: str


clicks = app.topic("clicks", key_type=str, value_type=Click)
closed = app.topic("closed-windows", key_type=str, value_type=list)


async def report_tumbling(key: Any, value: Any) -> None:
    """Send a closed minute; `key` is (page, (begin, end))."""
    await closed.send(key="tumbling", value=[key[0], list(key[1]), value])


async def report_hopping(key: Any, value: Any) -> None:
    """Send a closed stretch of two minutes."""
    await closed.send(key="hopping", value=[key[0], list(key[1]), value])


each_minute = app.Table("each_minute", default=int, on_window_close=report_tumbling).tumbling(
    MINUTE_S, expires=10 * MINUTE_S
)
two_minutes = app.Table("two_minutes", default=int, on_window_close=report_hopping).hopping(
    2 * MINUTE_S, MINUTE_S, expires=10 * MINUTE_S
)


@app.agent(clicks)
async def count(stream: faust.StreamT[Click]) -> None:
    """Count a click in the window of its minute, and in both stretches that it belongs to."""
    async for click in stream:
        each_minute[click.page] += 1
        two_minutes[click.page] += 1
        print(f"{click.page}: {each_minute[click.page].current()} in its minute", flush=True)


if __name__ == "__main__":
    app.main()
