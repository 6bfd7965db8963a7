"""What every event's data shares: it is frozen, belongs to a domain, and its name makes its type."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$"
MARKET_PATTERN = r"^[A-Za-z0-9@][A-Za-z0-9@._-]{0,31}$"
REASON_CHARS_MAX = 200

GLOBAL_SCOPE = "global"


def _not_global(market: str) -> str:
    if market == GLOBAL_SCOPE:
        raise ValueError(f"{GLOBAL_SCOPE!r} is the scope of all markets, not the name of one")
    return market


UserId = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
TradeId = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
FillId = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
VenueId = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
ClientRef = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
Market = Annotated[str, StringConstraints(pattern=MARKET_PATTERN), AfterValidator(_not_global)]
Name = Annotated[str, StringConstraints(pattern=ID_PATTERN)]


class EventData(BaseModel):
    """The data of one type of event. Subclasses of one domain name it in `domain`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    domain: ClassVar[str]

    @classmethod
    def event_type(cls) -> str:
        """The CloudEvents type: ``astra.<domain>.<Name>.v1``."""
        return f"astra.{cls.domain}.{cls.__name__}.v1"


class Command(EventData):
    """What a client asked for. A field that is not known is an error: it may be a misspelt one."""

    model_config = ConfigDict(frozen=True, extra="forbid")
