"""The base classes of event data. Event data is frozen and belongs to a domain. Its class name gives its type."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Final, Self

import msgspec
from pydantic import AfterValidator, StringConstraints

from streams import topics
from streams.wire import convert

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
Count = Annotated[int, msgspec.Meta(ge=0)]


Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
"""Turns the JSON data of one version into the data of the next version."""

CATALOGUE: Final[dict[str, type[EventData]]] = {}
"""Every event class by its CloudEvents type. Defining a class adds it."""


class EventData(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The data of one type of event. A subclass names its domain in `domain`. Encoding omits fields that are None.

    The ingress builds commands from validated bodies; the rules build events. Decoding ignores unknown fields.

    When a change makes older data unreadable, raise `version` and add an upcaster (docs/events.md).
    """

    domain: ClassVar[str]
    version: ClassVar[int] = 1
    """The version of the data, which is a part of the CloudEvents type."""
    upcasters: ClassVar[Mapping[int, Upcaster]] = {}
    """For each older version, the function that turns its data into that of the next version."""
    type_stem: ClassVar[str]
    """The CloudEvents type without its version: ``astra.<domain>.<Name>``."""
    event_source: ClassVar[str]
    """CloudEvents source: ``astratrade/<domain>``."""
    type_name: ClassVar[str]
    """CloudEvents type: ``astra.<domain>.<Name>.v<version>``."""
    topic: ClassVar[str]
    """The topic of events of this class: the domain's events, or for a command the domain's commands."""

    @classmethod
    def __init_subclass__(cls, **config: Any) -> None:
        super().__init_subclass__(**config)
        domain = getattr(cls, "domain", "")
        cls.event_source = f"astratrade/{domain}"
        cls.type_stem = f"astra.{domain}.{cls.__name__}"
        cls.type_name = f"{cls.type_stem}.v{cls.version}"
        if "topic" not in cls.__dict__:
            cls.topic = cls.topic_of(domain)
        if domain and not cls.__name__.startswith("_"):
            _register(cls)

    @classmethod
    def topic_of(cls, domain: str) -> str:
        """Return the default topic of such events in a domain. A class may name another."""
        return topics.events_of(domain)

    @classmethod
    def event_type(cls) -> str:
        """Return the CloudEvents type: ``astra.<domain>.<Name>.v<version>``."""
        return cls.type_name

    @classmethod
    def of(cls, fields: Mapping[str, object]) -> Self:
        """Return the event data that decoded JSON holds.

        Raises:
            WireError: when the JSON is not the data of such an event.
        """
        return convert(fields, cls)


def _register(model: type[EventData]) -> None:
    if sorted(model.upcasters) != list(range(1, model.version)):
        raise TypeError(f"{model.type_name} needs one upcaster for each version below {model.version}")
    identity = (model.__module__, model.version)
    for known in CATALOGUE.values():
        if known.type_stem == model.type_stem and (known.__module__, known.version) != identity:
            raise TypeError(f"{known.__module__} and {model.__module__} both define {model.type_stem}")
    CATALOGUE[model.type_name] = model


class Command(EventData, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A request of a client. The ingress refuses unknown fields, so that a client notices a misspelt field."""

    @classmethod
    def topic_of(cls, domain: str) -> str:
        """Return the topic of the domain's commands."""
        return topics.commands_of(domain)


_ID = ID_PATTERN.removeprefix("^").removesuffix("$")
_NAMES = re.compile(
    rf"(?!{GLOBAL_SCOPE}\n){MARKET_PATTERN.removeprefix('^').removesuffix('$')}" + rf"\n{_ID}" * 4, re.ASCII
)
"""A market and four ids joined by line breaks. Exactly five lines match, so no id may hold a line break."""


def check_names(market: str, ids: tuple[str, str, str, str]) -> None:
    """Refuse names that cannot be part of a key.

    Raises:
        ValueError: naming what was wrong.
    """
    if _NAMES.fullmatch("\n".join((market, *ids))):
        return
    if all(re.fullmatch(_ID, one, re.ASCII) for one in ids):
        raise ValueError(f"{market[:40]!r} cannot be the name of a market")
    raise ValueError(f"expected ids of 1 to 64 letters, digits, '.', '_', ':' and '-', got {ids!r}"[:REASON_CHARS_MAX])
