"""What happens to a user's money: the feed of the caller's financial events, and the ledger entries by pages."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from pydantic import BaseModel

from api.kit.context import ApiDep
from api.kit.openapi import problems
from api.kit.own_events import OwnEvents
from api.kit.own_history import LIMIT_DEFAULT, NextCursor, OwnEvent, PageCursor, PageLimit, history_page
from api.kit.parameters import OwnUser
from streams.events import financial as money

_EVENTS: Final = (
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
MONEY: Final = OwnEvents(
    "money",
    _EVENTS,
    title="What happens to your money",
    doc="Follow the caller's ledger entries, withdrawals, plan and rejections, each once, with all their data.",
)

router = APIRouter(prefix="/v1/users", responses=problems(400, 401, 403, 422, 503))


class LedgerEntry(OwnEvent):
    """A balanced entry of the ledger: the changes of accounts, in one asset, sum to 0."""

    entry_id: str
    reason: str
    asset: str
    changes: dict[str, str]


class LedgerEntries(BaseModel):
    """The entries of the ledger that concern a user, newest first."""

    user_id: str
    entries: list[LedgerEntry]
    next_cursor: NextCursor


@router.get("/{user_id}/ledger-entries", summary="Ledger entries", response_model=LedgerEntries)
async def get_entries(
    api: ApiDep, user_id: OwnUser, limit: PageLimit = LIMIT_DEFAULT, cursor: PageCursor = None
) -> dict[str, Any]:
    """Return a user's ledger entries, newest first, as far back as the log keeps them.

    One request reads at most 10,000 records of the log. A page may have fewer rows than `limit`, or none. Follow
    `next_cursor` until it is null.
    """
    entries, more = await history_page(api, [money.LedgerPosted], user_id, limit=limit, cursor=cursor)
    return {"user_id": user_id, "entries": entries, "next_cursor": more}
