"""Run a timer on one member of the group only: its leader.

python leader_timer.py worker --web-port 6066
python leader_timer.py worker --web-port 6067    # a second worker stays silent until the first one ends
"""

import os

import faust

app = faust.App("leader-timer", broker=os.environ.get("BROKER_URL", "redis://localhost:6379"))

ticks = app.topic("ticks", value_type=str)


@app.timer(interval=0.5, on_leader=True)
async def tick() -> None:
    """Send a tick; only the leader gets here."""
    await ticks.send(value=os.environ.get("WORKER_NAME", "worker"))
    print("tick", flush=True)


if __name__ == "__main__":
    app.main()
