"""Call an agent and wait for its answers: `ask` for one, `join` for many at once, `map` for many as they come.

python rpc.py worker
"""

import os

import faust

app = faust.App("rpc", broker=os.environ.get("BROKER_URL", "redis://localhost:6379"), reply_create_topic=True)

answers = app.topic("answers", key_type=str, value_type=list)


@app.agent(value_type=int)
async def square(stream: faust.StreamT[int]):  # noqa: ANN201 - a generator of answers, as Faust wants it
    """Answer with the square of each number."""
    async for number in stream:
        yield number * number


@app.task
async def call() -> None:
    """Call the agent in three ways."""
    one = await square.ask(4)
    many = await square.join([1, 2, 3])
    as_they_come = [answer async for answer in square.map([5, 6, 7])]
    for how, got in (("ask", [one]), ("join", many), ("map", sorted(as_they_come))):
        print(f"{how}: {got}", flush=True)
        await answers.send(key=how, value=got)


if __name__ == "__main__":
    app.main()
