"""What happens to a user's money: the feed of the caller's financial events."""

from __future__ import annotations

from typing import Any, Final

from api.kit.callers import Permitted
from api.kit.context import ApiDep
from api.kit.feeds.feed import Feed
from api.kit.feeds.reading import events
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import LAST_DEFAULT, Last, LastEventId, feed_router, open_feed
from api.kit.feeds.views import TailView
from api.kit.openapi import problems
from streams.events import financial as money

EVENTS: Final = (
    money.LedgerPosted,
    money.FinancialCommandRejected,
    money.DepositRequested,
    money.FundsDeposited,
    money.WithdrawalRequested,
    money.WithdrawalApproved,
    money.WithdrawalCompleted,
    money.WithdrawalRejected,
    money.SubscriptionStarted,
    money.SubscriptionRenewed,
    money.SubscriptionUpgraded,
    money.SubscriptionDowngraded,
    money.SubscriptionCancelled,
    money.SubscriptionEnded,
    money.ReservationRefused,
    money.ContributionPaid,
    money.ContributionRefused,
)
MONEY_FEED: Final[Feed[Any]] = Feed(
    name="money", follows=money.LedgerPosted.topic, read=events(EVENTS, lambda event: event["partitionkey"])
)

feeds = feed_router()


@feeds.get("/money", summary="What happens to your money", responses=problems(401))
async def follow_money(
    api: ApiDep, permit: Permitted, last: Last = LAST_DEFAULT, last_event_id: LastEventId = None
) -> FeedResponse:
    """Follow the caller's ledger entries, withdrawals, plan and rejections, each once, with all their data."""
    view = TailView(frozenset({permit.caller.subject}), last)
    return await open_feed(api, MONEY_FEED, view, last_event_id, permit)
