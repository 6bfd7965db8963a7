"""Queries of tables: the rows, who may read them, and the position that an answer reflects."""

from __future__ import annotations

from datetime import date
from typing import Any

import httpx
import pytest
from faust_redis.log import Log
from faust_redis.log import Position as LogPosition

from api.auth import Role
from streams import topics
from streams.topology import changelog_topic
from streams.units import USD_UNIT, Quantity
from tables import merkle
from tables.boards import group, parse_period
from tables.domains import TOPOLOGY
from tables.financial import FINANCIAL_FEES, FeeTotal, fee_key
from tables.gamification import (
    GAMIFICATION_BOARDS,
    GAMIFICATION_PROGRESS,
    GAMIFICATION_SEALING,
    GAMIFICATION_SEALS,
    GAMIFICATION_WATERMARK,
    SEALING_KEY,
    Progress,
    SealedPart,
    Sealing,
)
from tables.trading import TRADING_PORTFOLIO, TRADING_POSITIONS, Portfolio, Position, position_key
from tables.watermark import WATERMARK_KEY, Watermark
from tests.integration.api.support import PARTITIONS, SEALER, Worker, auth
from tests.integration.api.test_ingress import assert_problem

PROGRESS = Progress(xp=40, level=1, max_leverage=10, volume=1_500 * USD_UNIT, pnl=-USD_UNIT // 2, updated_at=1_000_000)
DAY = "day:2024-09-20"


async def test_progress_is_public_and_names_its_position(client: httpx.AsyncClient, worker: Worker) -> None:
    await worker.put_user(GAMIFICATION_PROGRESS.name, "alice", PROGRESS)
    answer = await client.get("/v1/users/alice/progress")
    assert answer.status_code == 200
    shown = answer.json()
    assert (shown["xp"], shown["volume_usd"], shown["pnl_usd"]) == (40, "1500.00", "-0.50")
    position = LogPosition.parse(shown["position"])
    assert position.topic == changelog_topic("astratrade", GAMIFICATION_PROGRESS.name)
    assert position.offsets == {p: int(p == worker.partition("alice")) for p in range(PARTITIONS)}


async def test_sums_may_be_larger_than_any_amount_that_a_client_may_send(
    client: httpx.AsyncClient, worker: Worker
) -> None:
    await worker.put_user(GAMIFICATION_PROGRESS.name, "alice", Progress(max_leverage=10, volume=10**16 * USD_UNIT))
    shown = (await client.get("/v1/users/alice/progress")).json()
    assert shown["volume_usd"] == "10000000000000000.00"


async def test_an_unknown_user_is_404(client: httpx.AsyncClient, worker: Worker) -> None:
    assert_problem(await client.get("/v1/users/nobody/progress"), 404, "not-found")


@pytest.mark.parametrize("part", ["positions", "portfolio"])
async def test_private_tables_are_for_their_owner_and_staff(
    client: httpx.AsyncClient, worker: Worker, part: str
) -> None:
    position = Position(
        quantity=Quantity.parse("0.5"), cost=100,
        average_entry=Quantity.parse("63250.5"),
        realised_pnl=5, unrealised_pnl=-5, last_price=Quantity.of(63_000), updated_at=0,
    )  # fmt: skip
    owner = worker.partition("alice")
    await worker.put(TRADING_POSITIONS.name, position_key("alice", "BTC", "live"), position, partition=owner)
    await worker.put_user(TRADING_PORTFOLIO.name, "alice", Portfolio(practice_balance=10_000 * USD_UNIT, updated_at=0))
    path = f"/v1/users/alice/{part}"
    assert_problem(await client.get(path), 401, "unauthenticated")
    assert_problem(await client.get(path, headers=auth("bob")), 403, "forbidden")
    assert_problem(await client.get(path, headers=auth("venue", Role.VENUE)), 403, "forbidden")
    own, staff = [
        (await client.get(path, headers={**headers, "X-Audit-Reason": "a dispute over a fill"})).json()
        for headers in (auth("alice"), auth("mod", Role.MODERATOR))
    ]
    assert own == staff
    if part == "positions":
        [shown] = own["positions"]
        assert (shown["market"], shown["quantity"], shown["realised_pnl_usd"]) == ("BTC", "0.5", "0.00000005")
    else:
        assert own["practice_balance_usd"] == "10000.00"


@pytest.mark.parametrize("part", ["positions", "portfolio"])
async def test_a_refused_reader_learns_nothing_of_positions(
    client: httpx.AsyncClient, worker: Worker, part: str
) -> None:
    path = f"/v1/users/alice/{part}"
    for after in ("nonsense", f"{topics.TRADING_COMMANDS}@other:0-1"):
        assert_problem(await client.get(path, params={"after": after}), 401, "unauthenticated")
        assert_problem(await client.get(path, params={"after": after}, headers=auth("bob")), 403, "forbidden")
    assert_problem(await client.get(path, params={"wait_ms": "x", "after": "nonsense"}), 401, "unauthenticated")


# --- boards -----------------------------------------------------------------------------------------------------------


async def pages(client: httpx.AsyncClient, path: str, **parameters: Any) -> list[dict[str, Any]]:
    """Return all rows of a board, page by page."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        more = {} if cursor is None else {"cursor": cursor}
        page = (await client.get(path, params={**parameters, **more})).json()
        found += page["rows"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


async def test_a_board_is_ordered_by_score_then_time_then_id(client: httpx.AsyncClient, worker: Worker) -> None:
    board = group("pnl", "BTC", DAY)
    for user, score, at in (("late", 5, 9), ("b", 5, 1), ("a", 5, 1), ("loser", -7, 0), ("best", 6 * USD_UNIT, 9)):
        await worker.rank(board, user, score, at)
    answer = (await client.get("/v1/leaderboards/pnl", params={"period": DAY, "market": "BTC"})).json()
    assert [(row["rank"], row["user_id"]) for row in answer["rows"]] == [
        (1, "best"), (2, "a"), (3, "b"), (4, "late"), (5, "loser"),
    ]  # fmt: skip
    assert (answer["rows"][0]["score"], answer["rows"][4]["score"]) == ("6.00", "-0.00000007")
    assert (answer["total"], answer["sealed"], answer["digest"]) == (5, False, None)


async def test_pages_neither_skip_nor_repeat_while_scores_change(client: httpx.AsyncClient, worker: Worker) -> None:
    board = group("xp", "global", "all")
    for n in range(25):
        await worker.rank(board, f"u-{n:02}", n)
    first = (await client.get("/v1/leaderboards/xp", params={"limit": 10})).json()
    assert [row["score"] for row in first["rows"]] == list(range(24, 14, -1))
    await worker.rank(board, "u-15", 99)  # The row that the cursor points to leaves the board.
    await worker.rank(board, "u-00", 98)
    second = (await client.get("/v1/leaderboards/xp", params={"limit": 100, "cursor": first["next_cursor"]})).json()
    assert [row["user_id"] for row in second["rows"]] == [f"u-{n:02}" for n in range(14, 0, -1)]
    assert second["next_cursor"] is None
    assert [row["rank"] for row in second["rows"]] == list(range(12, 26))
    assert len(await pages(client, "/v1/leaderboards/xp", limit=7)) == 25


async def test_a_cursor_works_only_where_it_was_given(client: httpx.AsyncClient, worker: Worker, log: Log) -> None:
    for board in ("volume", "pnl"):
        for n in range(3):
            await worker.rank(group(board, "global", "all"), f"u-{n}", n)
    cursor = (await client.get("/v1/leaderboards/volume", params={"limit": 2})).json()["next_cursor"]
    for path, parameters in (
        ("/v1/leaderboards/pnl", {}),
        ("/v1/leaderboards/volume", {"period": DAY}),
        ("/v1/leaderboards/volume", {"market": "BTC"}),
    ):
        answer = await client.get(path, params={**parameters, "cursor": cursor})
        assert_problem(answer, 400, "unknown-cursor")
    for forged in ("x", "!!", cursor[:-2] + "AA", "A" * 40):
        answer = await client.get("/v1/leaderboards/volume", params={"cursor": forged})
        assert_problem(answer, 400, "unknown-cursor")
    await log.redis.hset(log.keys.topic(changelog_topic("astratrade", GAMIFICATION_BOARDS.name)), "incarnation", "new")
    answer = await client.get("/v1/leaderboards/volume", params={"cursor": cursor})
    assert_problem(answer, 400, "unknown-cursor")


async def test_a_users_rank_comes_with_its_neighbours(client: httpx.AsyncClient, worker: Worker) -> None:
    for n in range(9):
        await worker.rank(group("trades", "global", "all"), f"u-{n}", n)
    answer = (await client.get("/v1/leaderboards/trades/users/u-4", params={"neighbours": 2})).json()
    assert (answer["rank"], answer["score"], answer["total"]) == (5, 4, 9)
    assert [row["user_id"] for row in answer["rows"]] == ["u-6", "u-5", "u-4", "u-3", "u-2"]
    top = (await client.get("/v1/leaderboards/trades/users/u-8", params={"neighbours": 1})).json()
    assert [row["rank"] for row in top["rows"]] == [1, 2]
    assert_problem(await client.get("/v1/leaderboards/trades/users/nobody"), 404, "not-found")


async def test_a_board_shows_at_most_1000_rows(client: httpx.AsyncClient, worker: Worker) -> None:
    for n in range(1_001):
        await worker.rank(group("xp", "global", "all"), f"u-{n:04}", n)
    answer = (await client.get("/v1/leaderboards/xp", params={"limit": 1_000})).json()
    assert (len(answer["rows"]), answer["total"], answer["rows"][-1]["score"]) == (1_000, 1_001, 1)
    answer = await client.get("/v1/leaderboards/xp", params={"limit": 1_001})
    assert assert_problem(answer, 422, "validation")["errors"][0]["parameter"] == "limit"


@pytest.mark.parametrize(
    ("parameters", "parameter"),
    [
        ({"period": "day:2024-13-01"}, "period"),
        ({"period": "century:20"}, "period"),
        ({"period": "month:99999999999999999999-01"}, "period"),
        ({"period": "season:2024-Q99999999999999999999"}, "period"),
        ({"period": "week:99999999999999999999-W01"}, "period"),
        ({"market": "NOPE"}, "market"),
        ({"limit": 0}, "limit"),
    ],
)
async def test_an_impossible_query_of_a_board_is_422(
    client: httpx.AsyncClient, parameters: dict[str, Any], parameter: str
) -> None:
    answer = await client.get("/v1/leaderboards/volume", params=parameters)
    assert assert_problem(answer, 422, "validation")["errors"][0]["parameter"] == parameter
    if parameter == "period":
        answer = await client.get("/v1/feed/boards", params={"board": "volume", **parameters})
        assert assert_problem(answer, 422, "validation")["errors"][0]["parameter"] == parameter


async def test_boards_that_are_not_kept_by_market_say_so(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/leaderboards/xp", params={"market": "BTC"})
    assert "not kept by market" in assert_problem(answer, 422, "validation")["detail"]
    assert_problem(await client.get("/v1/leaderboards/luck"), 422, "validation")


async def test_a_board_is_sealed_once_every_partition_has_sealed_and_shows_the_digest_of_its_proofs(
    client: httpx.AsyncClient, worker: Worker
) -> None:
    board = group("xp", "global", DAY)
    await worker.rank(board, "alice", 15, 7)
    end = parse_period(DAY).end
    assert end is not None
    root = merkle.root([merkle.leaf(15, 7, "alice")])
    own = worker.partition("alice")
    await worker.put(GAMIFICATION_SEALS.name, board, SealedPart(rows=1, root=root, sealed_at=end), partition=own)
    for partition in range(PARTITIONS):
        unsealed = (await client.get("/v1/leaderboards/xp", params={"period": DAY})).json()
        assert (unsealed["sealed"], unsealed["digest"]) == (False, None)
        await worker.put(GAMIFICATION_SEALING.name, SEALING_KEY, Sealing(sealed_to=end), partition=partition)
    sealed = (await client.get("/v1/leaderboards/xp", params={"period": DAY, "limit": 1})).json()
    assert sealed["sealed"] is True
    parts = {number: (1, root) if number == own else (0, merkle.EMPTY) for number in range(PARTITIONS)}
    digest = merkle.board_digest(board, parts)
    assert sealed["digest"] == SEALER.keyed_digest(digest), "a plain digest would let a reader try out names"
    parameters, headers = {"period": DAY}, auth("mod", Role.MODERATOR)
    assert (await client.get("/v1/leaderboards/xp", params=parameters, headers=headers)).json()["digest"] == digest
    proof = await client.get("/v1/leaderboards/xp/users/alice/proof", params=parameters, headers=auth("alice"))
    assert proof.json()["digest"] == digest
    all_time = (await client.get("/v1/leaderboards/xp")).json()
    assert all_time["sealed"] is False


# --- fees, stats ------------------------------------------------------------------------------------------------------


async def test_fees_are_summed_over_partitions_and_filtered(client: httpx.AsyncClient, worker: Worker) -> None:
    day = date(2024, 9, 20)
    for partition in range(PARTITIONS):
        for when in (day, None):
            for beneficiary, amount in (("total", 10), ("treasury", 6)):
                key = fee_key("trading", "USD", when, beneficiary)
                row = FeeTotal(amount=amount, count=1)
                await worker.put(FINANCIAL_FEES.name, key, row, partition=partition)
    everything = (await client.get("/v1/fees", params={"day": "each"})).json()
    assert len(everything["fees"]) == 4
    [total] = (await client.get("/v1/fees", params={"day": "2024-09-20", "beneficiary": "total"})).json()["fees"]
    assert (total["amount"], total["count"]) == ("0.0000004", 4)
    assert (await client.get("/v1/fees", params={"source": "nft"})).json()["fees"] == []
    assert_problem(await client.get("/v1/fees", params={"day": "2024-02-30"}), 422, "validation")


async def test_stats_show_events_lag_and_watermark(client: httpx.AsyncClient, worker: Worker) -> None:
    await worker.put_user(GAMIFICATION_PROGRESS.name, "alice", PROGRESS)
    await worker.put(GAMIFICATION_WATERMARK.name, WATERMARK_KEY, Watermark(highest=5, late=2), partition=0)
    await client.post("/v1/trades/t/close", headers=auth("alice"))
    shown = (await client.get("/v1/stats")).json()
    by_topic = {topic["topic"]: topic for topic in shown["topics"]}
    partition = worker.partition("alice")
    assert by_topic[topics.TRADING_COMMANDS]["events"] == 1
    assert by_topic[topics.TRADING_COMMANDS]["lag"][str(partition)] == 1
    [unread, *_] = [topic for topic in TOPOLOGY.topics if not TOPOLOGY.consumers(topic)]
    assert by_topic[unread]["lag"] is None
    assert (shown["users"], shown["lag"], shown["late"], shown["watermark"]) == (1, 1, 2, None)
    assert shown["latest"] == "1970-01-01T00:00:00.000005Z"
    assert {group["group"]: group["lag"] for group in shown["groups"]} == {
        group: int(group == "astratrade-trading") for group in TOPOLOGY.groups("astratrade").values()
    }
    await worker.commit(topics.TRADING_COMMANDS, partition, 1)
    assert (await client.get("/v1/stats")).json()["lag"] == 0


async def test_stats_count_a_record_until_the_slowest_domain_has_processed_it(
    client: httpx.AsyncClient, worker: Worker
) -> None:
    await worker.emit_one(topics.TRADING_EVENTS, 1)
    *others, slowest = TOPOLOGY.consumers(topics.TRADING_EVENTS)
    for domain, lag in [*((one.name, 1) for one in others), (slowest.name, 0)]:
        await worker.commit(topics.TRADING_EVENTS, 1, 1, domain=domain)
        shown = (await client.get("/v1/stats")).json()
        assert shown["lag"] == lag
        assert {topic["topic"]: topic["lag"] for topic in shown["topics"]}[topics.TRADING_EVENTS]["1"] == lag


async def test_tables_that_do_not_exist_yet_are_503_and_stats_are_empty(client: httpx.AsyncClient) -> None:
    assert_problem(await client.get("/v1/users/alice/progress"), 503, "unavailable")
    shown = (await client.get("/v1/stats")).json()
    assert (shown["users"], shown["workers"]["alive"], shown["watermark"]) == (0, 0, None)


async def test_the_owner_reads_what_an_earlier_answer_showed(client: httpx.AsyncClient, worker: Worker) -> None:
    await worker.put_user(TRADING_PORTFOLIO.name, "alice", Portfolio(practice_balance=1, updated_at=1))
    first = (await client.get("/v1/users/alice/portfolio", headers=auth("alice"))).json()
    await worker.put_user(TRADING_PORTFOLIO.name, "alice", Portfolio(practice_balance=2, updated_at=2))
    now = (await client.get("/v1/users/alice/portfolio", headers=auth("alice"))).json()
    then = await client.get("/v1/users/alice/portfolio", params={"at": first["position"]}, headers=auth("alice"))
    assert then.json() == first
    assert now["practice_balance_usd"] != first["practice_balance_usd"]
    positions = await client.get("/v1/users/alice/positions", params={"at": first["position"]}, headers=auth("alice"))
    assert_problem(positions, 422, "validation")
    other = first["position"].replace(LogPosition.parse(first["position"]).epoch, "gone")
    assert_problem(
        await client.get("/v1/users/alice/portfolio", params={"at": other}, headers=auth("alice")), 410, "position-gone"
    )
    stranger = await client.get("/v1/users/alice/portfolio", params={"at": first["position"]}, headers=auth("bob"))
    assert_problem(stranger, 403, "forbidden")
