"""Tell of positions and portfolios that changed: the last state that a batch left, once for each."""

from __future__ import annotations

from streams.events import AnyEvent
from streams.events.trading import Mode, PortfolioUpdated, PositionUpdated
from streams.units import Usd
from tables.keys import SEPARATOR
from tables.trading import Portfolio, Position


class Updates:
    """Collects what the events of a batch changed."""

    def __init__(self) -> None:
        self._positions: dict[tuple[str, str, Mode], tuple[AnyEvent, Position]] = {}
        self._portfolios: dict[str, tuple[AnyEvent, Portfolio]] = {}

    def begin(self) -> None:
        """Forget what a batch that failed has noted."""
        self._positions.clear()
        self._portfolios.clear()

    def position(self, cause: AnyEvent, user_id: str, market: str, mode: Mode, row: Position) -> None:
        """Note a position. A later state replaces it."""
        self._positions[user_id, market, mode] = cause, row

    def portfolio(self, cause: AnyEvent, user_id: str, row: Portfolio) -> None:
        """Note a portfolio. A later state replaces it."""
        self._portfolios[user_id] = cause, row

    def events(self) -> list[AnyEvent]:
        """Return the events of all that was noted."""
        events = [_moved(cause, *key, row) for key, (cause, row) in self._positions.items()]
        return events + [_summed(cause, user_id, row) for user_id, (cause, row) in self._portfolios.items()]


def _moved(cause: AnyEvent, user_id: str, market: str, mode: Mode, row: Position) -> AnyEvent:
    data = PositionUpdated(
        market=market,
        mode=mode,
        quantity=row.quantity,
        average_entry=row.average_entry,
        realised_pnl_usd=Usd(row.realised_pnl),
        unrealised_pnl_usd=Usd(row.unrealised_pnl),
    )
    return cause.then(data, subject=user_id, name=SEPARATOR.join((user_id, market, mode)), key=user_id)


def _summed(cause: AnyEvent, user_id: str, row: Portfolio) -> AnyEvent:
    data = PortfolioUpdated(
        live_volume_usd=Usd(row.live.volume),
        live_pnl_usd=Usd(row.live.realised_pnl),
        practice_balance_usd=Usd(row.practice_balance),
        practice_margin_usd=Usd(row.practice_margin),
    )
    return cause.then(data, subject=user_id, name=user_id, key=user_id)
