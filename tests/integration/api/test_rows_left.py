"""Queries of rows that have left say so, and show what stays."""

from __future__ import annotations

import httpx

from streams.times import DAY_US, Instant
from tables.boards import group, parse_period
from tables.gamification import GAMIFICATION_DAYS, GAMIFICATION_WATERMARK, UserDay, day_key
from tables.watermark import WATERMARK_KEY, Leaving, Watermark
from tests.integration.api.support import Worker, auth
from tests.integration.api.test_ingress import assert_problem

DAY = "day:2024-09-20"


async def left(worker: Worker, *, since: int, to: int, partition: int = 1) -> None:
    """Let old rows leave a partition, up to a time."""
    state = {name: Leaving(since=since, to=to) for name in ("boards", "days")}
    row = Watermark(highest=to + 9 * DAY_US, leaving=state)
    await worker.put(GAMIFICATION_WATERMARK.name, WATERMARK_KEY, row, partition=partition)


async def test_a_board_whose_rows_have_left_a_partition_is_refused_and_its_digest_stays(
    client: httpx.AsyncClient, worker: Worker
) -> None:
    board, end = group("xp", "global", DAY), parse_period(DAY).end
    assert end is not None
    await worker.rank(board, "alice", 15, 7)
    await left(worker, since=0, to=end - DAY_US)
    paths = [f"/v1/leaderboards/xp{rest}period={DAY}" for rest in ("?", "/users/alice?", "/ranks?user=alice&")]
    for path in paths:
        assert (await client.get(path)).status_code == 200, path
    await left(worker, since=0, to=end)
    others = [f"/v1/leaderboards/{name}?period={DAY}" for name in ("xp/constellations", "xp/users/alice/proof")]
    for path in (*paths, *others):
        answer = await client.get(path, headers=auth("alice"))
        assert assert_problem(answer, 410, "rows-left")["detail"] == (
            f"the standings of {DAY} have left with all that ended by {Instant(end).text()}: the archive has them"
        ), path
    assert (await client.get("/v1/leaderboards/xp")).status_code == 200
    await left(worker, since=end, to=end + DAY_US)
    assert (await client.get(paths[0], params={"period": DAY})).status_code == 200, (
        "it ended before rows began to leave"
    )


async def test_days_that_have_left_are_outside_of_the_range_and_a_range_of_these_alone_is_refused(
    client: httpx.AsyncClient, worker: Worker
) -> None:
    for day in ("2024-09-20", "2024-09-21"):
        key = day_key("alice", day)
        await worker.put(GAMIFICATION_DAYS.name, key, UserDay(xp=5), partition=worker.partition("alice"))
    noon = int(Instant.parse("2024-09-21T00:00:00Z"))
    await left(worker, since=0, to=noon)
    path, headers = "/v1/users/alice/days", auth("alice")
    shown = (await client.get(path, params={"end": "2024-09-22T00:00:00Z"}, headers=headers)).json()
    assert (shown["begin"], [day["day"] for day in shown["days"]]) == ("2024-09-21T00:00:00Z", ["2024-09-21"])
    answer = await client.get(path, params={"end": shown["begin"]}, headers=headers)
    assert_problem(answer, 410, "rows-left")
