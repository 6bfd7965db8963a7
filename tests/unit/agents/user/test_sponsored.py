"""Sponsored calls of a user: pending, then what the sink says of them; the latest 20."""

from __future__ import annotations

from typing import Any

from streams.events.chain import SponsoredCallReported
from streams.events.user import AccountClosed, ContractCall, SponsorCall
from tables.user import SPONSORED_CALLS_MAX, USER_SPONSORED, SponsoredCalls
from tests.unit.agents.user.test_inbox import Users

ONE = f"0x{1:064x}"


def ask(call_id: str) -> SponsorCall:
    call = ContractCall(to=ONE, selector=ONE, calldata=(ONE,))
    return SponsorCall(
        call_id=call_id, account=ONE, nonce=ONE, execute_after=0, execute_before=9, calls=(call,), signature=(ONE,)
    )


def executed(call_id: str) -> SponsoredCallReported:
    return SponsoredCallReported(call_id=call_id, user_id="ada", outcome="executed", tx_hash=ONE, gas=7)


def refused(call_id: str) -> SponsoredCallReported:
    return SponsoredCallReported(call_id=call_id, user_id="ada", outcome="refused", reason="expired")


def shown(users: Users) -> list[tuple[Any, ...]]:
    raw = users.maps[USER_SPONSORED.name].get(b"ada")
    calls = SponsoredCalls.load(raw).calls if raw else ()
    return [(each.call_id, each.status, each.reason, each.gas) for each in calls]


def test_a_call_is_pending_until_it_is_reported() -> None:
    users = Users()
    assert users.send(ask("c-1")) == []
    users.send(ask("c-2"))
    assert shown(users) == [("c-1", "pending", "", 0), ("c-2", "pending", "", 0)]
    users.send(executed("c-1"))
    users.send(refused("c-2"))
    assert shown(users) == [("c-1", "executed", "", 7), ("c-2", "refused", "expired", 0)]


def test_a_report_that_comes_before_its_command_stays() -> None:
    users = Users()
    users.send(executed("c-1"))
    users.send(ask("c-1"))
    assert shown(users) == [("c-1", "executed", "", 7)]


def test_the_latest_calls_are_kept_until_the_account_is_closed() -> None:
    users = Users()
    for number in range(SPONSORED_CALLS_MAX + 3):
        users.send(ask(f"c-{number}"))
    assert [row[0] for row in shown(users)] == [f"c-{number}" for number in range(3, SPONSORED_CALLS_MAX + 3)]
    users.send(AccountClosed(user_id="ada"))
    assert shown(users) == []
    assert [type(event.data).__name__ for event in users.send(ask("c-99"))] == ["UserCommandRejected"]
    users.send(executed("c-98"))
    assert shown(users) == []
