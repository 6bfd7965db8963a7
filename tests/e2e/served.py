"""Everything that the API serves, read through its queries as any client would, as facts."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from itertools import product
from typing import Any

import httpx

from tests.e2e.facts import Facts, fee_facts, fee_hour_facts
from tests.oracle.boards import BoardKey
from tests.oracle.fills import usd
from tests.oracle.windows import KEPT, LENGTHS

PAGE_ROWS = 2
"""Small, so that every board of three users is paged through with cursors."""

BEFORE_THE_FIRST = timedelta(days=1)
"""Windows are read so far back from the day of the first fill: nothing may be there."""

ACHIEVEMENTS = {"profitable_close-1": "first-profit", "single_trade-10000": "big-trade", "win_rate-70": "win-rate"}
"""The product's names of achievements where they are not `kind-n` for the oracle's `kind:n`."""


def served(client: httpx.Client, expected: Facts, *, page_rows: int = PAGE_ROWS) -> Facts:
    """Return the API's facts: every user and board in `expected`, and all fees, positions and windows."""
    facts = served_without_windows(client, expected, page_rows=page_rows)
    users = sorted({name.split()[1] for name in expected if name.startswith("progress ")})
    markets = {name.split()[3] for name in expected if name.startswith("candle ")}
    days = [date.fromisoformat(name.split()[2][:10]) for name in expected if name.startswith(("candle ", "day "))]
    since = datetime.combine(min(days), time(), UTC) - BEFORE_THE_FIRST
    return facts | windows(client, users, markets, since)


def served_without_windows(client: httpx.Client, expected: Facts, *, page_rows: int = PAGE_ROWS) -> Facts:
    """Return what the API serves, without windows."""
    facts: Facts = {}
    users = sorted({name.split()[1] for name in expected if name.startswith("progress ")})
    for user in users:
        facts.update(progress(client, user))
        facts.update(positions(client, user))
    for name in expected:
        if name.startswith("board "):
            facts[name] = list(board(client, key_of(name), page_rows))
    facts.update(fees(client))
    return facts


def key_of(name: str) -> BoardKey:
    _, kind, period, market = name.split()
    return BoardKey(kind, period, None if market == "global" else market)


def get(client: httpx.Client, path: str, **parameters: str | int | None) -> Any:
    given = {name: value for name, value in parameters.items() if value is not None}
    answer = client.get(path, params=given)
    assert answer.status_code == httpx.codes.OK, f"GET {path} {given}: {answer.status_code} {answer.text}"
    return answer.json()


def progress(client: httpx.Client, user: str, after: str | None = None) -> Facts:
    row = get(client, f"/v1/users/{user}/progress", after=after)
    streak = row["streaks"]["trading"]
    values = {
        **{name: row[name] for name in ("xp", "level", "max_leverage", "trades", "closes", "wins")},
        "shards": row["ss"],
        "streak": streak["days"],
        "streak_best": streak["best"],
        "streak_last_day": date.fromisoformat(streak["last_day"]),
        "volume": usd(row["volume_usd"]),
        "pnl": usd(row["pnl_usd"]),
        "achievements": [(achievement(one["name"]), instant(one["at"])) for one in row["achievements"]],
    }
    return {f"progress {user} {name}": value for name, value in values.items()}


def achievement(name: str) -> str:
    return ACHIEVEMENTS.get(name) or name.removeprefix("trading_").replace("-", ":")


def positions(client: httpx.Client, user: str) -> Facts:
    facts: Facts = {}
    for row in get(client, f"/v1/users/{user}/positions")["positions"]:
        facts[f"position {user} {row['market']} realised"] = usd(row["realised_pnl_usd"])
        facts[f"position {user} {row['market']} quantity"] = Decimal(row["quantity"])
    return facts


def fees(client: httpx.Client) -> Facts:
    rows = get(client, "/v1/fees", source="trading", asset="USD", day="each")["fees"]
    facts: Facts = {}
    for row in rows:
        facts.update(fee_facts(row["day"], [(row["beneficiary"], usd(row["amount"]))]))
    return facts


def windows(client: httpx.Client, users: Iterable[str], markets: Iterable[str], since: datetime) -> Facts:
    """Return the windows since a time: candles of the markets, hours, fees by hour, and days of the users."""
    facts: Facts = {}
    pages = partial(pages_since, client, since)
    for market, interval in product(markets, LENGTHS):
        for one in pages(f"/v1/markets/{market}/candles", "candles", interval, interval=interval):
            prices = (Decimal(one[name]) for name in ("open", "high", "low", "close", "volume"))
            facts[f"candle {interval} {one['begin']} {market}"] = (*prices, usd(one["notional_usd"]), one["trades"])
    for one in pages("/v1/stats/hours", "hours", "1h"):
        live = one["live"]
        values = one["users"], live["executions"], usd(live["volume_usd"]), sum(one["xp"].values())
        facts[f"hour {one['begin']}"] = values
    for one in pages("/v1/fees/hours", "hours", "1h"):
        [fee] = one["fees"]
        shares = {"total": fee["amount"], **fee["beneficiaries"]}
        facts.update(fee_hour_facts(one["begin"], [(name, usd(text)) for name, text in shares.items()]))
    for user in users:
        for one in pages(f"/v1/users/{user}/days", "days", "1d"):
            live = one["live"]
            sums = (usd(live[name]) for name in ("volume_usd", "pnl_usd", "fees_usd"))
            facts[f"day {user} {one['day']}"] = (one["xp"], live["trades"], *sums, one["streaks"].get("trading"))
    return facts


def pages_since(
    client: httpx.Client, since: datetime, path: str, items: str, length: str, **parameters: str
) -> Iterator[Any]:
    """Return the windows of all pages back to a time. Each page spans the most windows that one can."""
    page = get(client, path, limit=1_000, **parameters)
    oldest = max(since, instant(page["end"]) - KEPT.get(length, timedelta(days=1_000)))
    yield from page[items]
    while instant(page["begin"]) > oldest:
        page = get(client, path, limit=1_000, end=page["begin"], **parameters)
        yield from page[items]


def board(client: httpx.Client, key: BoardKey, page_rows: int) -> Iterator[tuple[int, str, int, datetime]]:
    """Return all rows of a board, page by page."""
    cursor = None
    while True:
        page = get(
            client,
            f"/v1/leaderboards/{key.board}",
            period=key.period,
            market=key.market,
            limit=page_rows,
            cursor=cursor,
        )
        for row in page["rows"]:
            yield (row["rank"], row["user_id"], score(key.board, row["score"]), instant(row["reached_at"]))
        cursor = page["next_cursor"]
        if cursor is None:
            return


def score(kind: str, raw: int | str) -> int:
    return usd(str(raw)) if kind in {"volume", "pnl"} else int(raw)


def instant(text: str) -> datetime:
    assert text.endswith("Z"), text
    return datetime.fromisoformat(text)
