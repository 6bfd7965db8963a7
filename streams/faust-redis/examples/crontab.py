"""Run a task at times that a cron expression gives; the sixth field is seconds.

python crontab.py worker
"""

import os
from datetime import UTC, datetime

import faust

app = faust.App("crontab", broker=os.environ.get("BROKER_URL", "redis://localhost:6379"))

reports = app.topic("reports", value_type=str)


@app.crontab("* * * * * */2", on_leader=True)
async def report() -> None:
    """Send the time of the report, at each even second."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    await reports.send(value=now)
    print(now, flush=True)


if __name__ == "__main__":
    app.main()
