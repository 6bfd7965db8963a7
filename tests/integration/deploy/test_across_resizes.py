"""`astratrade why` and `astratrade upgrade --check` across changes of the number of partitions."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from faust_redis.log import Log, ResizingError
from faust_redis.resizing import Resize, Split

from api.operators.lineage import WhyAnswer
from deploy.admin.partitions import ProductLayout
from deploy.retention_settings import NO_ARCHIVE
from tables.accounts import TRANSIT, ledger_key
from tables.domains import TOPOLOGY
from tables.financial import FINANCIAL_LEDGER
from tables.gamification import GAMIFICATION_PROGRESS
from tables.trading import TRADING_CANDLES, TRADING_MARKS
from tests.community.behaviour.life import Plan
from tests.community.behind import Place, entries_behind
from tests.community.cluster_run import play
from tests.community.resized import PARTITIONS
from tests.community.rulebook import rulebook, rulebook_text
from tests.integration.deploy.divided_log import APP, KEPT_DAYS, SPECS, Divided, Installation, live_divided

NUMBERS = {1: 8, 3: 24}
LEDGER = FINANCIAL_LEDGER.name
COUNTS = (PARTITIONS, *NUMBERS.values())


class Held(Resize):
    """A resize that stops when it has moved the rows of a partition, and goes on when the test says so."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.moving, self.goes_on = asyncio.Event(), asyncio.Event()

    async def _move_partition(self, *args: Any) -> None:
        await super()._move_partition(*args)
        self.moving.set()
        await self.goes_on.wait()


@pytest.fixture(scope="module")
def community() -> Divided:
    return live_divided(Plan(users=14, days=6, seed=3, activity=0.4), NUMBERS)


@pytest.fixture
async def installation(log: Log, broker_url: str, tmp_path: Path, community: Divided) -> Installation:
    """Return an installation whose topics got more partitions twice."""
    found = Installation(log, broker_url, tmp_path, community)
    await found.create()
    for rest in community.rests:
        await found.resize(rest)
    await found.finish()
    return found


async def why(installation: Installation, table: str, key: str) -> list[dict[str, Any]]:
    run = await installation.run("why", table, key, "--format", "json")
    assert run.exit_code == 0, run.output
    WhyAnswer.model_validate_json(run.stdout, strict=True)  # the API answers with this document
    found: list[dict[str, Any]] = json.loads(run.stdout)["partitions"]
    return found


async def checked(installation: Installation, *options: str, **settings: str) -> tuple[int, dict[str, Any]]:
    run = await installation.run("upgrade", "--check", "--json", *options, **settings)
    assert run.exit_code in {0, 1}, run.output
    return run.exit_code, json.loads(run.stdout)


def mover(community: Divided) -> str:
    """Return a user whose rows move at each resize."""
    cluster = community.backend.cluster
    return next(
        user
        for user in sorted(cluster.rows(GAMIFICATION_PROGRESS))
        if len({Split(1, count).partition(user) for count in COUNTS}) == len(COUNTS)
    )


def roots(found: list[dict[str, Any]]) -> set[str]:
    """Return the ids of the first causes of the events behind a row."""
    events = [one["event"] for each in found for one in each["events"]]
    return {event.get("correlationid") or event["id"] for event in events}


async def test_a_row_is_followed_through_all_partitions_that_it_had(
    installation: Installation, community: Divided
) -> None:
    user = mover(community)
    found = await why(installation, GAMIFICATION_PROGRESS.name, user)
    chain = [Split(1, count).partition(user) for count in COUNTS]
    assert [(one["partition"], one["partition_count"]) for one in found] == list(zip(chain, COUNTS, strict=True))
    assert [one["resized"] and (one["resized"]["partition_count"], one["resized"]["moved_to"]) for one in found] == [
        (COUNTS[1], [chain[1]]),
        (COUNTS[2], [chain[2]]),
        None,
    ]
    assert all(one["events"] for one in found)
    assert not any(one["differs"] or one["missing"] or one["cut"] for one in found)
    whole = play(community.backend.journal, PARTITIONS, rules=rulebook(KEPT_DAYS))
    expected = entries_behind(whole, GAMIFICATION_PROGRESS.domain)[Place(GAMIFICATION_PROGRESS.name, chain[0], user)]
    assert roots(found) == expected
    text = (await installation.run("why", GAMIFICATION_PROGRESS.name, user)).stdout.splitlines()
    assert text[0].startswith(f"partition {chain[0]} of {COUNTS[0]}: ")
    [first, second] = [line for line in text if "partitions became" in line]
    assert first.startswith(f"  ({COUNTS[0]} partitions became {COUNTS[1]} at 20")
    assert second.endswith(f": the row was then in partition {chain[2]})")


async def test_events_before_a_resize_are_found_in_the_archive(installation: Installation, community: Divided) -> None:
    user = mover(community)
    before = await why(installation, GAMIFICATION_PROGRESS.name, user)
    await installation.trim(TOPOLOGY.domain(GAMIFICATION_PROGRESS.domain).consumes)
    assert await why(installation, GAMIFICATION_PROGRESS.name, user) == before
    status, found = await checked(installation, "--domain", GAMIFICATION_PROGRESS.domain)
    assert (status, found["rows"], found["events"]) == (0, [], [])
    run = await installation.run("why", GAMIFICATION_PROGRESS.name, user, ASTRA_ARCHIVE=NO_ARCHIVE)
    assert "the log has removed the first events of" in run.output
    assert "the row does not follow from these events alone" in run.output


async def test_rows_that_are_copied_stay_or_are_made_by_a_resize_follow_from_the_log(
    installation: Installation,
) -> None:
    rows = await installation.rows()
    candle = next(key for table, _, key in rows if table == TRADING_CANDLES.name)
    for table, key in (
        (TRADING_MARKS.name, "BTC"),
        (TRADING_CANDLES.name, candle),
        (LEDGER, ledger_key(TRANSIT, "USD")),
    ):
        found = await why(installation, table, key)
        assert not any(one["differs"] for one in found), table
        stored = {partition for (name, partition, row) in rows if (name, row) == (table, key)}
        assert {one["partition"] for one in found if one["partition_count"] == COUNTS[-1]} >= stored, table
        for one in found:
            if one["resized"] is not None and (to := one["resized"]["moved_to"]):
                family = [*Split(one["partition_count"], one["resized"]["partition_count"]).family(one["partition"])]
                kept = {TRADING_MARKS.name: to == family, TRADING_CANDLES.name: to == [one["partition"]]}
                assert kept.get(table, {*to} <= {*family}), table


async def test_while_rows_move_nothing_is_said_of_them(
    log: Log, broker_url: str, community: Divided, tmp_path: Path
) -> None:
    installation = Installation(log, broker_url, tmp_path, community)
    await installation.create()
    await installation.write(community.rests[0])
    held = Held(log, [spec.name for spec in SPECS], {}, ProductLayout(APP))
    resizing = asyncio.create_task(held.run(COUNTS[1]))
    await held.moving.wait()
    run = await installation.run("why", GAMIFICATION_PROGRESS.name, mover(community))
    assert isinstance(run.exception, ResizingError)
    run = await installation.run("upgrade", "--check")
    assert (run.exit_code, "rows move to other partitions just now" in run.output) == (2, True)
    held.goes_on.set()
    await resizing
    assert (await checked(installation))[0] == 0


async def test_the_same_rules_give_the_rows_of_all_domains_across_resizes(installation: Installation) -> None:
    status, found = await checked(installation)
    assert (status, found["rows"], found["events"], found["failures"]) == (0, [], [], [])
    assert found["rows_compared"] == len(await installation.rows())
    status, found = await checked(installation, "--domain", "financial")
    assert (status, found["rows"]) == (0, []), "with the recorded events of the others"


@pytest.mark.heavy
async def test_other_rules_are_told_by_the_rows_that_they_would_have_given_before_and_after(
    installation: Installation, community: Divided, tmp_path: Path
) -> None:
    file = tmp_path / "changed.toml"
    file.write_text(rulebook_text(KEPT_DAYS).replace("fee_ppm = 1000", "fee_ppm = 1001"))
    status, found = await checked(installation, ASTRA_RULEBOOK=str(file))
    assert status == 1
    fees = {(row["partition"], row["key"]) for row in found["rows"] if row["table"] == "financial-fee-hours"}
    assert fees
    last = community.rests[-1].after["financial-fee-hours"]
    assert fees & {(partition, key) for partition, rows in last.items() for key in rows}
    assert max(partition for partition, _ in fees) >= COUNTS[0]


async def test_a_moment_that_was_recorded_before_a_resize_is_a_beginning(
    log: Log, broker_url: str, community: Divided, tmp_path: Path
) -> None:
    installation, file = Installation(log, broker_url, tmp_path, community), tmp_path / "before.bin"
    await installation.create()
    first, second = community.rests
    await installation.resize(first)
    assert (await installation.run("upgrade", "--record", str(file))).exit_code == 0
    await installation.resize(second)
    await installation.finish()
    status, found = await checked(installation, "--from", str(file))
    assert (status, found["rows"], found["events"]) == (0, [], [])
    assert found["records_read"] > 0


async def test_rules_by_which_a_resize_would_have_had_to_wait_are_not_checked(
    installation: Installation, tmp_path: Path
) -> None:
    file = tmp_path / "changed.toml"
    file.write_text(rulebook_text(KEPT_DAYS).replace("seal_rows_max = 1000000", "seal_rows_max = 1"))
    run = await installation.run("upgrade", "--check", ASTRA_RULEBOOK=str(file))
    assert run.exit_code == 2
    assert "could not have been divided then: partition" in run.output
    assert "boards are being sealed" in run.output
