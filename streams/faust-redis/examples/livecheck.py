"""Follow some orders through the pipeline in production, with LiveCheck.

python livecheck.py worker
"""

import os

import faust
from faust.livecheck import Case, Signal

app = faust.App("shop", broker=os.environ.get("BROKER_URL", "redis://localhost:6379"))
checks = app.LiveCheck()

orders = app.topic("shop-orders", key_type=str, value_type=str)
sent = app.topic("shop-sent", key_type=str, value_type=str)


@checks.case(name="order-is-sent", warn_stalled_after=5.0, probability=1.0)
class OrderIsSent(Case):
    """An order that was placed is sent."""

    order_was_sent: Signal[str]

    async def run(self, order: str) -> None:
        """Wait for the order's signal, and check what it carries."""
        assert await self.order_was_sent.wait(timeout=20.0) == order
        print(f"{order} was sent", flush=True)


order_is_sent = OrderIsSent


@app.agent(orders)
async def send(stream: faust.StreamT[str]) -> None:
    """Send an order, and say so to the test that follows it."""
    async for key, order in stream.items():
        await sent.send(key=key, value=order)
        await order_is_sent.order_was_sent.send(order, key=key)


@app.timer(interval=1.0)
async def place() -> None:
    """Place an order that LiveCheck follows."""
    async with order_is_sent.maybe_trigger("order-1", order="order-1"):
        await orders.send(key="order-1", value="order-1")


if __name__ == "__main__":
    app.main()
