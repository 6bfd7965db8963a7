"""Money in the API: commands with their keys, wrong bodies, private reads, reviews of moderators, and feeds."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from faust_redis.log import Log

from api.auth import Role
from streams import topics
from streams.events.financial import (
    CancelPlan,
    ChangePlan,
    LedgerPosted,
    ReportDeposit,
    ReportPayout,
    RequestDeposit,
    ReviewWithdrawal,
    Subscribe,
    Withdraw,
)
from streams.times import Instant
from streams.units import Quantity
from tables.accounts import available, ledger_key, reserved
from tables.financial import (
    AUDIT_KEY,
    FINANCIAL_AUDITS,
    FINANCIAL_CHAIN,
    FINANCIAL_LEDGER,
    FINANCIAL_PLAN_USERS,
    FINANCIAL_PLANS,
    FINANCIAL_REVENUE,
    FINANCIAL_REVIEWS,
    FINANCIAL_WITHDRAWALS,
    Audit,
    Balance,
    ChainTotal,
    PlanUsers,
    Revenue,
    Review,
    Subscription,
    Withdrawal,
    Withdrawals,
    chain_key,
    revenue_key,
    review_key,
)
from tests.integration.api.sse import Reader
from tests.integration.api.support import Worker, auth
from tests.integration.api.test_ingress import assert_problem, written
from tests.unit.agents.financial.bank import Bank

pytestmark = pytest.mark.usefixtures("worker")

ADA, BANK = auth("ada"), auth("bank", Role.SERVICE)
MODERATOR = auth("mod", Role.MODERATOR) | {"X-Audit-Reason": "the weekly review"}
NOON = int(Instant.parse("2026-01-05T12:00:00Z"))
USD: dict[str, Any] = {"asset": "USD", "amount": "1500.00"}
WITHDRAWAL: dict[str, Any] = USD | {"destination": "iban"}
DEPOSIT: dict[str, Any] = USD | {"user_id": "ada", "reference": "wire-1"}
PAYOUT: dict[str, Any] = {"user_id": "ada", "withdrawal_id": "w-1", "paid": True, "reference": "p-1"}


async def test_each_command_has_its_key_and_takes_the_caller_from_the_token(
    client: httpx.AsyncClient, log: Log
) -> None:
    withdrawn = await client.post("/v1/withdrawals", json=WITHDRAWAL, headers=ADA)
    for method, path, body, headers in (
        ("POST", "/v1/deposits/requests", USD | {"provider": "bank"}, ADA),
        ("POST", "/v1/deposits", {"deposits": [DEPOSIT]}, BANK),
        ("POST", "/v1/users/ada/withdrawals/w-1/review", {"approve": True}, MODERATOR),
        ("POST", "/v1/payouts", {"payouts": [PAYOUT]}, BANK),
        ("POST", "/v1/plan", {"plan": "captain", "cycle": "year"}, ADA),
        ("PUT", "/v1/plan", {"plan": "explorer"}, ADA),
        ("DELETE", "/v1/plan", None, ADA),
    ):
        answer = await client.request(method, path, json=body, headers=headers)
        assert answer.status_code == 202, answer.text
    money: dict[str, Any] = {"asset": "USD", "amount": Quantity.of(1500)}
    events = await written(log, topics.FINANCIAL_COMMANDS)
    sent = {type(one.data).__name__: (one.partitionkey, one.data) for one in events}
    name = withdrawn.json()["withdrawal_id"]
    decision: dict[str, Any] = {"user_id": "ada", "withdrawal_id": "w-1", "approve": True, "moderator": "mod"}
    assert sent == {
        "Withdraw": ("ada", Withdraw(withdrawal_id=name, destination="iban", **money)),
        "RequestDeposit": ("ada", RequestDeposit(provider="bank", **money)),
        "ReportDeposit": (
            "deposit:bank:wire-1",
            ReportDeposit(user_id="ada", provider="bank", reference="wire-1", **money),
        ),
        "ReviewWithdrawal": ("ada", ReviewWithdrawal(**decision)),
        "ReportPayout": ("ada", ReportPayout(provider="bank", **PAYOUT)),
        "Subscribe": ("ada", Subscribe(plan="captain", cycle="year")),
        "ChangePlan": ("ada", ChangePlan(plan="explorer")),
        "CancelPlan": ("ada", CancelPlan()),
    }


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/v1/withdrawals", WITHDRAWAL | {"amount": "0"}, "#/amount"),
        ("/v1/withdrawals", WITHDRAWAL | {"amount": "-1"}, "#/amount"),
        ("/v1/withdrawals", WITHDRAWAL | {"amount": 5}, "#/amount"),
        ("/v1/withdrawals", WITHDRAWAL | {"amount": "0.000000001"}, "#/amount"),
        ("/v1/withdrawals", WITHDRAWAL | {"asset": "SS"}, "#/asset"),
        ("/v1/withdrawals", WITHDRAWAL | {"destination": ""}, "#/destination"),
        ("/v1/withdrawals", WITHDRAWAL | {"user_id": "bob"}, "#/user_id"),
        ("/v1/deposits/requests", USD | {"provider": "a b"}, "#/provider"),
        ("/v1/deposits", {"deposits": []}, "#/deposits"),
        ("/v1/deposits", {"deposits": [DEPOSIT | {"amount": "1.123456789"}]}, "#/deposits/0/amount"),
        ("/v1/deposits", {"deposits": [DEPOSIT | {"provider": "other"}]}, "#/deposits/0/provider"),
        ("/v1/deposits", {"deposits": [DEPOSIT | {"reference": "wire 1"}]}, "#/deposits/0/reference"),
        ("/v1/deposits", {"deposits": [DEPOSIT | {"user_id": ""}]}, "#/deposits/0/user_id"),
        ("/v1/payouts", {"payouts": [PAYOUT | {"paid": "yes"}]}, "#/payouts/0/paid"),
        ("/v1/payouts", {"payouts": [PAYOUT | {"withdrawal_id": ""}]}, "#/payouts/0/withdrawal_id"),
        ("/v1/users/ada/withdrawals/w-1/review", {"approve": 1}, "#/approve"),
        ("/v1/plan", {"plan": "explorer"}, "#/plan"),
        ("/v1/plan", {"plan": "captain", "cycle": "week"}, "#/cycle"),
    ],
)
async def test_a_wrong_field_is_named_and_nothing_is_written(
    client: httpx.AsyncClient, log: Log, path: str, body: dict[str, Any], pointer: str
) -> None:
    by = BANK if path in {"/v1/deposits", "/v1/payouts"} else MODERATOR if path.endswith("review") else ADA
    answer = await client.post(path, json=body, headers=by)
    assert_problem(answer, 422, "validation")
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
    assert await written(log, topics.FINANCIAL_COMMANDS) == []


async def test_a_repeated_withdrawal_with_its_key_is_one_withdrawal(client: httpx.AsyncClient, log: Log) -> None:
    headers = ADA | {"Idempotency-Key": "w"}
    first, again = [await client.post("/v1/withdrawals", json=WITHDRAWAL, headers=headers) for _ in range(2)]
    assert first.json() == again.json()
    assert len(await written(log, topics.FINANCIAL_COMMANDS)) == 1


async def test_a_review_needs_a_reason(client: httpx.AsyncClient, log: Log) -> None:
    answer = await client.post(
        "/v1/users/ada/withdrawals/w-1/review", json={"approve": True}, headers=auth("mod", Role.MODERATOR)
    )
    assert_problem(answer, 403, "forbidden")
    assert await written(log, topics.FINANCIAL_COMMANDS) == []


async def test_balances_are_shown_to_their_owner_by_account_and_asset(
    client: httpx.AsyncClient, worker: Worker
) -> None:
    for account, asset, amount in ((available, "USD", "3.50"), (reserved, "USD", "1"), (available, "SS", "70")):
        row = Balance(amount=Quantity.parse(amount))
        key = ledger_key(account("ada"), asset)
        await worker.put(FINANCIAL_LEDGER.name, key, row, partition=worker.partition("ada"))
    shown = (await client.get("/v1/users/ada/balances", headers=ADA)).json()
    assert shown["balances"] == [
        {"account": "available", "asset": "USD", "amount": "3.5"},
        {"account": "reserved", "asset": "USD", "amount": "1"},
        {"account": "available", "asset": "SS", "amount": "70"},
    ]
    assert_problem(await client.get("/v1/users/ada/balances", headers=auth("bob")), 403, "forbidden")


async def test_the_plan_and_the_withdrawals_are_shown(client: httpx.AsyncClient, worker: Worker) -> None:
    one = Withdrawal(
        withdrawal_id="w-1", asset="USD", amount=Quantity.of(5), destination="iban", status="review", requested_at=NOON
    )
    await worker.put_user(FINANCIAL_WITHDRAWALS.name, "ada", Withdrawals(open=(one,)))
    plan = Subscription(
        plan="captain", cycle="month", started_at=NOON, months=1, period_at=NOON, ends_at=NOON, next_plan="navigator"
    )
    await worker.put_user(FINANCIAL_PLANS.name, "ada", plan)
    shown = (await client.get("/v1/users/ada/withdrawals", headers=ADA)).json()
    assert [(each["status"], each["amount"]) for each in shown["open"]] == [("review", "5")]
    shown = (await client.get("/v1/users/ada/plan", headers=ADA)).json()
    assert (shown["plan"], shown["next_plan"], shown["ends_at"]) == ("captain", "navigator", "2026-01-05T12:00:00Z")


async def test_moderators_see_what_waits_for_review_the_oldest_first(client: httpx.AsyncClient, worker: Worker) -> None:
    for number, user in enumerate(("ada", "bob")):
        row = Review(
            asset="USD", amount=Quantity.of(20_000), destination="iban", tier="identity", requested_at=NOON - number
        )
        await worker.put(FINANCIAL_REVIEWS.name, review_key(user, "w"), row, partition=worker.partition(user))
    shown = (await client.get("/v1/withdrawal-reviews", headers=MODERATOR)).json()
    assert [one["user_id"] for one in shown["reviews"]] == ["bob", "ada"]
    assert_problem(await client.get("/v1/withdrawal-reviews", headers=ADA), 403, "forbidden")


async def test_staff_see_whether_the_ledger_holds(client: httpx.AsyncClient, worker: Worker) -> None:
    assert (await client.get("/v1/ledger/audits", headers=MODERATOR)).json()["holds"] is None
    count = len((await client.get("/v1/ledger/audits", headers=MODERATOR)).json()["partitions"])
    for partition in range(count):
        row = Audit(at=NOON, breaches={"balanced": 0, "overdrawn": 0})
        await worker.put(FINANCIAL_AUDITS.name, AUDIT_KEY, row, partition=partition)
    assert (await client.get("/v1/ledger/audits", headers=MODERATOR)).json()["holds"] is True
    await worker.put(FINANCIAL_AUDITS.name, AUDIT_KEY, Audit(at=NOON, breaches={"balanced": 2}), partition=0)
    shown = (await client.get("/v1/ledger/audits", headers=MODERATOR)).json()
    assert shown["holds"] is False
    balanced = {"rule": "balanced", "meaning": "the accounts of an asset sum to 0", "breaches": 2}
    assert shown["rules"][0] == balanced
    assert shown["partitions"][0] == {"partition": 0, "at": "2026-01-05T12:00:00Z", "breaches": {"balanced": 2}}
    assert_problem(await client.get("/v1/ledger/audits", headers=ADA), 403, "forbidden")


async def test_revenue_is_summed_over_partitions_by_period(client: httpx.AsyncClient, worker: Worker) -> None:
    for partition in (0, 1):
        for period in ("2026-01-05", "2026-01"):
            row = Revenue(amount=Quantity.parse("1.5"), count=1)
            key = revenue_key("trading_fees", "USD", period)
            await worker.put(FINANCIAL_REVENUE.name, key, row, partition=partition)
    row = Revenue(amount=Quantity.of(2), count=1)
    await worker.put(FINANCIAL_REVENUE.name, revenue_key("nft_marketplace", "SS", "2026-01"), row, partition=0)
    shown = (await client.get("/v1/revenue", params={"stream": "trading_fees"})).json()["revenue"]
    assert shown == [{"stream": "trading_fees", "asset": "USD", "period": "2026-01", "amount": "3", "count": 2}]
    shown = (await client.get("/v1/revenue", params={"by": "day"})).json()["revenue"]
    assert [one["period"] for one in shown] == ["2026-01-05"]
    assert_problem(await client.get("/v1/revenue", params={"period": "2026-13"}), 422, "validation")
    assert_problem(await client.get("/v1/revenue", params={"period": "2026-01-05"}), 422, "validation")


async def test_users_by_plan_are_summed_over_partitions(server: httpx.AsyncClient, worker: Worker) -> None:
    for partition, users in enumerate((2, 3)):
        await worker.put(FINANCIAL_PLAN_USERS.name, "captain", PlanUsers(users=users), partition=partition)
    reader = Reader(server, "/v1/feed/plan-users", key="plan")
    reading = asyncio.create_task(reader.read(lambda r: r.table.get("captain", {}).get("users") == 4))
    await reader.current.wait()
    assert (await server.get("/v1/plan-users")).json()["plans"] == [{"plan": "captain", "users": 5}]
    await worker.put(FINANCIAL_PLAN_USERS.name, "captain", PlanUsers(users=1), partition=0)
    await reading


async def test_what_the_chain_says_of_fees_is_shown_by_contract(server: httpx.AsyncClient, worker: Worker) -> None:
    collector, splitter = f"0x{1:064x}", f"0x{2:064x}"
    settled = chain_key(collector, "settled", "trading")
    rows = {
        settled: ChainTotal(accepted=2**200, final=1_500_000, count=3),
        chain_key(collector, "swept", splitter): ChainTotal(accepted=7, final=7, count=1),
        chain_key(splitter, "distributed", f"0x{5:064x}"): ChainTotal(accepted=4, count=2),
    }
    for key, row in rows.items():
        await worker.put(FINANCIAL_CHAIN.name, key, row, partition=0)
    shown = (await server.get("/v1/chain/fees", params={"total": "settled"})).json()["totals"]
    expected = {"contract": collector, "total": "settled", "name": "trading"}
    assert shown == [{**expected, "accepted": str(2**200), "final": "1500000", "count": 3}]
    shown = (await server.get("/v1/chain/fees", params={"contract": splitter})).json()["totals"]
    assert [(one["total"], one["accepted"]) for one in shown] == [("distributed", "4")]
    assert len((await server.get("/v1/chain/fees")).json()["totals"]) == len(rows)
    assert_problem(await server.get("/v1/chain/fees", params={"contract": "0x1"}), 422, "validation")
    assert_problem(await server.get("/v1/chain/fees", params={"total": "lost"}), 422, "validation")
    reader = Reader(server, "/v1/feed/chain-fees", {"name": "trading"}, key="name")
    reading = asyncio.create_task(reader.read(lambda r: r.table.get("trading", {}).get("count") == 2))
    await reader.current.wait()
    await worker.put(FINANCIAL_CHAIN.name, settled, ChainTotal(accepted=9, final=1, count=2), partition=0)
    await reading
    assert reader.table["trading"]["accepted"] == "9"


async def test_the_feed_of_money_tells_the_caller_what_happened(server: httpx.AsyncClient, worker: Worker) -> None:
    bank = Bank(1)
    bank.deposit("bob", "5")
    bank.deposit("ada", "7")
    events = [event for event in bank.events if event.data.topic == LedgerPosted.topic]
    await worker.emit(LedgerPosted.topic, *events)
    reader = Reader(server, "/v1/feed/money", key="event_id", options={"headers": ADA})
    await reader.read(lambda r: r.last_id is not None)
    assert sorted(row["type"] for row in reader.table.values()) == ["FundsDeposited", "LedgerPosted"]
    assert {row["user_id"] for row in reader.table.values()} == {"ada"}


async def test_the_entries_of_a_user_are_paged_newest_first(client: httpx.AsyncClient, worker: Worker) -> None:
    bank = Bank(1)
    for amount in ("5", "6", "7"):
        bank.deposit("ada", amount)
        bank.deposit("bob", "1")
    await worker.emit(LedgerPosted.topic, *(event for event in bank.events if event.data.topic == LedgerPosted.topic))
    path, cursor = "/v1/users/ada/ledger-entries", None
    seen: list[dict[str, Any]] = []
    while cursor is not None or not seen:
        given = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await client.get(path, params=given, headers=ADA)).json()
        seen += page["entries"]
        cursor = page["next_cursor"]
    assert [entry["changes"]["user:ada:available"] for entry in seen] == ["7", "6", "5"]
    assert {entry["type"] for entry in seen} == {"LedgerPosted"}
    assert (await client.get(path)).status_code == httpx.codes.UNAUTHORIZED
    assert (await client.get(path, headers=auth("bob"))).status_code == httpx.codes.FORBIDDEN


async def test_the_feed_of_balances_follows_the_callers_accounts(server: httpx.AsyncClient, worker: Worker) -> None:
    key = ledger_key(available("ada"), "SS")
    await worker.put(FINANCIAL_LEDGER.name, key, Balance(amount=Quantity.of(1)), partition=worker.partition("ada"))
    reader = Reader(server, "/v1/feed/balances", key="asset", options={"headers": ADA})
    await reader.read(lambda r: r.last_id is not None)
    assert reader.table["SS"]["amount"] == "1"
    other = ledger_key(available("bob"), "SS")
    await worker.put(FINANCIAL_LEDGER.name, other, Balance(amount=Quantity.of(9)), partition=worker.partition("bob"))
    await worker.put(FINANCIAL_LEDGER.name, key, Balance(amount=Quantity.of(2)), partition=worker.partition("ada"))
    await reader.read(lambda r: r.table["SS"]["amount"] != "1")
    assert reader.table["SS"] == {"account": "available", "asset": "SS", "amount": "2"}
