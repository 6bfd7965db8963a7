"""Sum orders by account, although they arrive keyed by market: `group_by` repartitions them.

python group_by.py worker
python group_by.py send orders '{"account": "ada", "amount": 5}'
"""

import os

import faust

app = faust.App("group-by", broker=os.environ.get("BROKER_URL", "redis://localhost:6379"))


class Order(faust.Record):
    """An order of an account."""

    account: str
    amount: int


orders = app.topic("orders", key_type=str, value_type=Order)
totals = app.Table("totals", default=int, key_type=str, value_type=int)


@app.agent(orders)
async def add(stream: faust.StreamT[Order]) -> None:
    """Add an order to its account's total, in the partition that owns the account."""
    async for order in stream.group_by(Order.account):
        totals[order.account] += order.amount
        print(f"{order.account}: {totals[order.account]}", flush=True)


if __name__ == "__main__":
    app.main()
