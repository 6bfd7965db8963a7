"""The product's path: from fills that wait in the topic until every table that they change is committed."""

from __future__ import annotations

import asyncio
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from faust_redis.log.sharded import open_log

from deploy.errors import DeployError
from deploy.replay.fills import Fill
from streams.units import Usd
from tables.financial import FINANCIAL_FEES, FeeTotal, fee_key
from tables.gamification import GAMIFICATION_PROGRESS, Progress
from tables.keys import SEPARATOR
from tables.reader import TableReader
from tables.trading import TRADING_TRADES, Trade
from tests.bench.fill_load import bodies, headers, in_one_hour, made_fills
from tests.bench.group_progress import all_processed
from tests.bench.http_load import closed_loop
from tests.bench.parameters import Parameters
from tests.bench.pipeline import Pipeline
from tests.bench.resource_usage import Meter, Spent, spending
from tests.bench.result import Result

USERS = 300
BATCH = 500
POLL_S = 0.05
DEADLINE_S = 1_200.0
WARM_UP_SHARE = 10
WORKERS = (1, 2)


def measure(options: Parameters) -> Iterator[Result]:
    """Measure 1 and 2 workers, or the chosen numbers, with fills of one hour and of weeks (as in a replay)."""
    warm_up = max(1, options.fills // WARM_UP_SHARE)
    for workers in options.workers or WORKERS:
        for span, spread in (("one hour", in_one_hour), ("weeks", list)):
            runs = []
            for seed in options.seeds():
                made = spread(made_fills(warm_up + options.fills, users=USERS, seed=seed))
                runs.append(run(workers, made, warm_up))
            title = (
                f"topic to committed tables, {workers} worker{'s' * (workers > 1)}, {options.fills:,} fills of {span}"
            )
            yield Result(title, spending(runs, what="fills"))


def run(workers: int, made: list[Fill], warm_up: int) -> Spent:
    """Run once: warm the workers up on the first fills, then measure the rest."""
    with tempfile.TemporaryDirectory() as directory, Pipeline(Path(directory), workers=workers) as pipeline:
        warmed_up(pipeline, made[:warm_up])
        return measured(pipeline, made, warm_up)


def warmed_up(pipeline: Pipeline, fills: list[Fill]) -> None:
    """Let the workers process some fills."""
    post(pipeline, fills)
    asyncio.run(until_processed(pipeline))


def measured(pipeline: Pipeline, made: list[Fill], warm_up: int) -> Spent:
    """Pause the workers, post all but the first fills, measure from their resumption, and check the tables."""
    pipeline.signal_workers(signal.SIGSTOP)
    post(pipeline, made[warm_up:])
    meter = Meter([worker.pid for worker in pipeline.workers], pipeline.server.pid).begin()
    pipeline.signal_workers(signal.SIGCONT)
    asyncio.run(until_processed(pipeline))
    spent = meter.spent(len(made) - warm_up)
    asyncio.run(check(pipeline, made))
    return spent


def post(pipeline: Pipeline, fills: list[Fill]) -> None:
    """Send fills through the ingress, in order.

    Raises:
        DeployError: when the ingress refuses some.
    """
    load, lines = bodies(fills, BATCH), headers(pipeline.token())
    posted = asyncio.run(closed_loop(pipeline.url, "/v1/fills", load, lines, connections=1))
    if posted.accepted != len(load):
        raise DeployError(f"the ingress accepted {posted.accepted} of {len(load)} requests: {posted.statuses}")


async def check(pipeline: Pipeline, made: list[Fill]) -> None:
    """Check each domain's tables against the fills: count and volume of each user, fees of all.

    Raises:
        DeployError: when they differ.
    """
    fills, volume, fees = Counter[str](), Counter[str](), 0
    for one in made:
        fills[one["user_id"]] += 1
        volume[one["user_id"]] += Usd.parse(one["notional_usd"])
        fees += Usd.parse(one["fee_usd"])
    async with open_log(str(pipeline.settings.broker_url), pipeline.settings.namespace) as log:
        tables = TableReader(log, pipeline.settings.app_id)
        had_fills, had_volume, had_fees = Counter[str](), Counter[str](), 0
        async for chunk in tables.scan(TRADING_TRADES.name):
            for row in chunk:
                had_fills[row.key.partition(SEPARATOR)[0]] += Trade.load(row.value).fills
        async for chunk in tables.scan(GAMIFICATION_PROGRESS.name):
            had_volume.update({row.key: Progress.load(row.value).volume for row in chunk})
        whole = fee_key("trading", "USD", None, "total")
        async for chunk in tables.scan(FINANCIAL_FEES.name):
            had_fees += sum(FeeTotal.load(row.value).amount for row in chunk if row.key == whole)
    if (had_fills, had_volume, had_fees) != (fills, volume, fees):
        raise DeployError(
            f"the tables have {had_fills.total()} fills, a volume of {had_volume.total()} and fees of {had_fees}; "
            f"expected {fills.total()}, {volume.total()} and {fees} (1e-8 USD), for each user"
        )


async def until_processed(pipeline: Pipeline) -> None:
    """Wait until all effects of the fills are committed."""
    deadline = time.monotonic() + DEADLINE_S
    async with open_log(str(pipeline.settings.broker_url), pipeline.settings.namespace) as log:
        while not await all_processed(log):
            pipeline.check(deadline, "process all fills")
            await asyncio.sleep(POLL_S)
