"""Events of the financial domain: fees and their split."""

from __future__ import annotations

from typing import ClassVar

from streams.events.base import EventData, Name
from streams.units import Usd


class FeeAccrued(EventData, frozen=True, kw_only=True):
    """A fee came due. The amounts of the beneficiaries add up to the fee exactly."""

    domain: ClassVar[str] = "financial"

    source: Name
    asset: Name
    amount: Usd
    beneficiaries: dict[Name, Usd]
    source_event_id: str
