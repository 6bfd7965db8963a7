"""Faust unchanged, on Kafka: an agent with tables for rows, standings, fees and ids of fills; events go to a topic.

Option: ``at_least_once`` or ``exactly_once``, then ``memory`` or ``rocksdb``. A user's standings on a board are one
row, so that a fill sends few changes. Fees are kept by partition. A reader adds and sorts; Faust ranks nothing.
"""

from collections import Counter, defaultdict
from typing import Any

import faust

from tests.peers.apps.job import Job, Meter, from_command_line
from tests.peers.product.apps.rules import Played, Row, added, boards_of, fee_days, periods_of, play

TABLES = ("seen", "progress", "trades", "positions", "standings", "fees")
PARTITIONS = 4
JOIN_S = 6.0
"""The least that Kafka takes. Some brokers let a first member wait for others for half of it, which is not measured."""


def build(job: Job) -> faust.App:
    guarantee, store = job.option.split()
    app = faust.App(
        job.group,
        broker=f"kafka://{job.broker}",
        processing_guarantee=guarantee,
        store={"memory": "memory://", "rocksdb": "rocksdb://"}[store],
        datadir=job.directory,
        topic_partitions=PARTITIONS,
        topic_replication_factor=1,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=JOIN_S,
        broker_rebalance_timeout=JOIN_S,
        broker_heartbeat_interval=JOIN_S / 6,
        web_enabled=False,
        autodiscover=False,
    )
    tables = {name: app.Table(name, partitions=PARTITIONS, key_type=str) for name in TABLES}
    events = app.topic(job.output, key_type=str, partitions=PARTITIONS)
    meter = Meter(job)

    @app.agent(app.topic(job.topic, key_type=str, partitions=PARTITIONS))
    async def fills(stream: Any) -> None:
        async for message in stream.events():
            fill = message.value
            for event in take(tables, fill, message.message.partition):
                await events.send(key=fill["user_id"], value=event)
            if meter.step():
                meter.finish(results(tables))

    return app


def take(tables: dict[str, Any], fill: Row, partition: int) -> list[Row]:
    """Apply a fill to the tables, unless it is a repetition; return its events."""
    if tables["seen"].get(fill["fill_id"]):
        return []
    user = fill["user_id"]
    trade, position = f"{user}|{fill['trade_id']}", f"{user}|{fill['market']}"
    progress, trades, positions = (tables[name] for name in ("progress", "trades", "positions"))
    played = play(progress.get(user), trades.get(trade), positions.get(position), fill)
    tables["seen"][fill["fill_id"]] = True
    progress[user], trades[trade], positions[position] = played[:3]
    for board, scope, amount in played.points:
        key = f"{board}/{scope}|{user}"
        row = tables["standings"].get(key) or {}
        for period in periods_of(fill["executed_at"][:10]):
            row[period] = added(row.get(period), amount, played.at)
        tables["standings"][key] = row
    add_fees(tables["fees"], played, fill, partition)
    return played.events


def add_fees(fees: Any, played: Played, fill: Row, partition: int) -> None:
    """Add the shares of a fee to the rows of its partition."""
    for day in fee_days(fill):
        key = f"{day}|{partition}"
        row = fees.get(key) or {}
        fees[key] = {name: row.get(name, 0) + amount for name, amount in played.fees.items()}


def results(tables: dict[str, Any]) -> dict[str, Any]:
    """Return the tables that the race checks; the race reads the events itself."""
    standings = {
        (f"{board}/{period}", user): standing
        for key, row in tables["standings"].items()
        for board, user in [key.split("|")]
        for period, standing in row.items()
    }
    fees: dict[str, Counter[str]] = defaultdict(Counter)
    for key, row in tables["fees"].items():
        fees[key.split("|")[0]].update(row)
    rows = {name: dict(tables[name].items()) for name in ("progress", "positions")}
    return {**rows, "boards": boards_of(standings), "fees": fees}


if __name__ == "__main__":
    worker = faust.Worker(build(from_command_line()), loglevel="warn", redirect_stdouts=False)
    worker.spinner = None
    worker.execute_from_commandline()
