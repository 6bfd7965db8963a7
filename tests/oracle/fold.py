"""The fold: compute every total from fills."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.oracle.boards import Boards
from tests.oracle.fees import Fees
from tests.oracle.fills import Fill
from tests.oracle.periods import ends, periods_of
from tests.oracle.positions import Position
from tests.oracle.progress import User, apply_fill
from tests.oracle.windows import Counted, Windows

GRACE = timedelta(hours=24)


@dataclass
class Totals:
    """Everything that the rule book counts over fills."""

    users: dict[str, User] = field(default_factory=lambda: defaultdict(User))
    boards: Boards = field(default_factory=Boards)
    fees: Fees = field(default_factory=Fees)
    positions: dict[tuple[str, str], Position] = field(default_factory=lambda: defaultdict(Position))
    windows: Windows = field(default_factory=Windows)
    fills: int = 0


class LateFillError(Exception):
    """A fill is late: lateness depends on partitions, which the oracle does not model."""


def fold(fills: Iterable[Fill]) -> Totals:
    """Fold fills in their order.

    Raises:
        LateFillError: a fill belongs to a period that an earlier fill sealed.
    """
    totals = Totals()
    watermark = datetime.min.replace(tzinfo=UTC)
    for fill in fills:
        _refuse_late(fill, watermark)
        watermark = max(watermark, fill.at)
        _apply(totals, fill)
    return totals


def _apply(totals: Totals, fill: Fill) -> None:
    user = totals.users[fill.user]
    opens = fill.trade not in user.trades
    if opens:
        totals.boards.add("trades", fill.user, 1, fill.at)
    last_day = user.last_day
    xp = apply_fill(user, fill)
    if user.last_day != last_day:
        totals.boards.reach(fill.user, user.streak, fill.at)
    if xp:
        totals.boards.add("xp", fill.user, xp, fill.at)
    totals.boards.add("volume", fill.user, fill.notional, fill.at, market=fill.market)
    if fill.closes:
        totals.boards.add("pnl", fill.user, fill.pnl, fill.at, market=fill.market)
    streak = user.streak if user.last_day == fill.at.date() else None
    totals.windows.fills.append(Counted(fill, xp, opens, streak))
    totals.fees.accrue(fill.fee, fill.at)
    totals.positions[fill.user, fill.market].apply(fill)
    totals.fills += 1


def _refuse_late(fill: Fill, watermark: datetime) -> None:
    for period in periods_of(fill.at):
        end = ends(period)
        if end is not None and end + GRACE <= watermark:
            raise LateFillError(f"a fill of {fill.at} is late for {period}: the file has been at {watermark}")
