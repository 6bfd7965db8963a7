"""Purchases of tokens: reserve the buyer's money, then capture it for the sale, or release it, as the token decides."""

from __future__ import annotations

from agents.deadlines import Deadlines
from agents.financial.entries import entry, moved
from agents.financial.fees import shares
from agents.financial.ledger import Ledger
from agents.financial.policy import FinancialPolicy
from agents.financial.revenue import Revenues
from agents.financial.totals import Totals
from streams.assets import is_whole
from streams.events import AnyEvent, Event
from streams.events.financial import (
    FundsReserved,
    ProceedsDue,
    ReservationExpired,
    ReservationRefused,
    SaleFeeAccrued,
)
from streams.events.nft import PurchaseDecided, PurchaseRequested
from streams.units import Quantity
from tables.accounts import TRANSIT, available, creator, fees_of, reserved
from tables.financial import FINANCIAL_RESERVATIONS, DeadlineKind, Reservation
from tables.unit_of_work import UnitOfWork


class SaleError(ValueError):
    """A sale's amounts do not add up to what its buyer reserved."""


class Purchases:
    """The reservations of a partition's buyers, and the proceeds of its sellers."""

    def __init__(
        self,
        tables: UnitOfWork,
        *,
        ledger: Ledger,
        deadlines: Deadlines[DeadlineKind],
        fees: Totals,
        revenues: Revenues,
        policy: FinancialPolicy,
    ) -> None:
        self.rows = tables.rows(FINANCIAL_RESERVATIONS)
        self._ledger = ledger
        self._deadlines = deadlines
        deadlines.on({"reservation": self._expire})
        self._fees = fees
        self._revenues = revenues
        self._policy = policy

    def request(self, event: Event[PurchaseRequested]) -> list[AnyEvent]:
        """Reserve the price of a token, if the buyer has it."""
        data, buyer = event.data, event.partitionkey
        if self.rows.get(data.reservation_id) is not None:
            return []
        if reason := self._refused(event):
            refusal = ReservationRefused(reservation_id=data.reservation_id, reason=reason)
            return [event.then(refusal)]
        reservation = Reservation(
            buyer=buyer,
            token_id=data.token_id,
            listing_id=data.listing_id,
            asset=data.asset,
            amount=data.amount,
            expires_at=event.time + self._policy.purchases.reserved_us,
        )
        self.rows.put(data.reservation_id, reservation)
        self._deadlines.add("reservation", data.reservation_id, reservation.expires_at)
        movement = moved("purchase_reserved", data.asset, data.amount, source=available(buyer), target=reserved(buyer))
        funds = FundsReserved(
            reservation_id=data.reservation_id,
            buyer=buyer,
            listing_id=data.listing_id,
            asset=data.asset,
            amount=data.amount,
        )
        return [self._ledger.post(event, movement), event.then(funds, key=data.token_id)]

    def decide(self, event: Event[PurchaseDecided]) -> list[AnyEvent]:
        """Capture or release a reservation. One that is resolved already, or unknown, changes nothing.

        Raises:
            SaleError: when the sale is not for the amount that is reserved.
        """
        reservation = self.rows.get(event.data.reservation_id)
        if reservation is None:
            return []
        sold = event.data.sold
        if sold:
            _check(event.data, reservation)
        self.rows.delete(event.data.reservation_id)
        self._deadlines.remove("reservation", event.data.reservation_id, reservation.expires_at)
        if sold:
            return self._capture(event, reservation)
        buyer = reservation.buyer
        movement = moved(
            "purchase_released",
            reservation.asset,
            reservation.amount,
            source=reserved(buyer),
            target=available(buyer),
        )
        return [self._ledger.post(event, movement)]

    def credit(self, event: Event[ProceedsDue]) -> list[AnyEvent]:
        """Credit the proceeds of a sale to its seller."""
        data = event.data
        target = available(event.partitionkey)
        return [self._ledger.post(event, moved("sale", data.asset, data.amount, source=TRANSIT, target=target))]

    # --- inside -------------------------------------------------------------------------------------------------------

    def _expire(self, reservation_id: str, tick: AnyEvent) -> list[AnyEvent]:
        """Ask the token's partition about a reservation that has stood too long, and ask again later.

        Only the answer moves money.
        """
        reservation = self.rows.get(reservation_id)
        if reservation is None:
            return []
        self._deadlines.add("reservation", reservation_id, tick.time + self._policy.purchases.reserved_us)
        expired = ReservationExpired(
            reservation_id=reservation_id, buyer=reservation.buyer, listing_id=reservation.listing_id
        )
        return [tick.then(expired, key=reservation.token_id, name=reservation_id)]

    def _refused(self, event: Event[PurchaseRequested]) -> str | None:
        data = event.data
        if not is_whole(data.asset, data.amount):
            return "too_many_decimals"
        short = self._ledger.balance(available(event.partitionkey), data.asset) < data.amount
        return "insufficient_funds" if short else None

    def _capture(self, event: Event[PurchaseDecided], reservation: Reservation) -> list[AnyEvent]:
        data, asset, buyer = event.data, reservation.asset, reservation.buyer
        changes = {reserved(buyer): -reservation.amount, TRANSIT: data.proceeds}
        changes[fees_of(self._policy.purchases.source)] = data.platform_fee
        if data.creator_fee:
            changes[creator(data.creator or "")] = data.creator_fee
        events = [self._ledger.post(event, entry("purchase_captured", asset, changes))]
        if data.proceeds:
            proceeds = ProceedsDue(
                entry_id=data.reservation_id, asset=asset, amount=data.proceeds, token_id=data.token_id
            )
            events.append(event.then(proceeds, key=data.seller or ""))
        return events + (self._accrue(event, reservation) if data.platform_fee else [])

    def _accrue(self, event: Event[PurchaseDecided], reservation: Reservation) -> list[AnyEvent]:
        amount, asset, source = event.data.platform_fee, reservation.asset, self._policy.purchases.source
        parts = shares(amount, asset, self._policy, event.time)
        split = {name: Quantity(share) for name, share in parts.items()}
        fee = SaleFeeAccrued(source=source, asset=asset, amount=amount, beneficiaries=split, source_event_id=event.id)
        self._fees.add_sale(fee, event.time)
        revenue = self._revenues.record(
            event, "nft_marketplace", asset, amount, key=reservation.buyer, name=event.data.reservation_id
        )
        return [event.then(fee), revenue]


def _check(sale: PurchaseDecided, reservation: Reservation) -> None:
    due = sale.platform_fee + sale.creator_fee + sale.proceeds
    if (due, sale.asset) != (reservation.amount, reservation.asset):
        held = f"{reservation.amount.text()} {reservation.asset}"
        raise SaleError(f"{sale.reservation_id!r} reserved {held}, its sale is for another sum")
    if sale.seller is None or (sale.creator_fee and sale.creator is None):
        raise SaleError(f"the sale of {sale.reservation_id!r} names no seller, or no creator for the creator's fee")
