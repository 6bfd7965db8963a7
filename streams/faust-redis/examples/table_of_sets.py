"""Remember who visited each page, in a table of sets.

python table_of_sets.py worker
python table_of_sets.py send --key-serializer=raw -k /home visits '"ada"'
"""

import os

import faust

app = faust.App("visitors", broker=os.environ.get("BROKER_URL", "redis://localhost:6379"))

visits = app.topic("visits", key_type=str, value_type=str)
counted = app.topic("visitor-counts", key_type=str, value_type=int)
visitors = app.SetTable("visitors", key_type=str, value_type=str)


@app.agent(visits)
async def remember(stream: faust.StreamT[str]) -> None:
    """Add a visitor to the page's set, and send how many it has."""
    async for page, user in stream.items():
        visitors[page].add(user)
        await counted.send(key=page, value=len(visitors[page]))
        print(f"{page}: {sorted(visitors[page])}", flush=True)


if __name__ == "__main__":
    app.main()
