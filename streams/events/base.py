"""What the data of every event shares: it is frozen, belongs to a domain, and its name makes its type."""

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


Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
"""Makes the data of one version, as JSON gave it, that of the next version."""

CATALOGUE: Final[dict[str, type[EventData]]] = {}
"""Every class of event by its CloudEvents type. A class enters it when it is defined."""


class EventData(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The data of one type of event. Subclasses of one domain name it in `domain`. Fields that are None do not travel.

    The ingress builds it from validated bodies, the rules build it from facts. Reading ignores unknown fields.

    To change a class so that it cannot read what it wrote before, raise `version` and add an upcaster
    (docs/events.md).
    """

    domain: ClassVar[str]
    version: ClassVar[int] = 1
    """The version of the data, which is a part of the CloudEvents type."""
    upcasters: ClassVar[Mapping[int, Upcaster]] = {}
    """For each older version, the function that makes its data that of the next version."""
    type_stem: ClassVar[str]
    """The CloudEvents type without its version: ``astra.<domain>.<Name>``."""
    event_source: ClassVar[str]
    """CloudEvents source: ``astratrade/<domain>``."""
    type_name: ClassVar[str]
    """CloudEvents type: ``astra.<domain>.<Name>.v<version>``."""
    topic: ClassVar[str]
    """The topic that events of this class travel on: the domain's events, for a command its commands."""

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
        """Return the topic of a domain that such an event travels on unless its class names another."""
        return topics.events_of(domain)

    @classmethod
    def event_type(cls) -> str:
        """Return the CloudEvents type: ``astra.<domain>.<Name>.v<version>``."""
        return cls.type_name

    @classmethod
    def of(cls, fields: Mapping[str, object]) -> Self:
        """Return the data that JSON gave.

        Raises:
            WireError: when it is not the data of such an event.
        """
        return convert(fields, cls)


def _register(model: type[EventData]) -> None:
    if sorted(model.upcasters) != list(range(1, model.version)):
        raise TypeError(f"{model.type_name} needs one upcaster for each version below {model.version}")
    mine = (model.__module__, model.version)
    for known in CATALOGUE.values():
        if known.type_stem == model.type_stem and (known.__module__, known.version) != mine:
            raise TypeError(f"{known.__module__} and {model.__module__} both define {model.type_stem}")
    CATALOGUE[model.type_name] = model


class Command(EventData, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a client asked for. The ingress refuses unknown fields, so that a client notices a misspelt one."""

    @classmethod
    def topic_of(cls, domain: str) -> str:
        """Return the topic of the domain's commands."""
        return topics.commands_of(domain)


_ID = ID_PATTERN.removeprefix("^").removesuffix("$")
_NAMES = re.compile(
    rf"(?!{GLOBAL_SCOPE}\n){MARKET_PATTERN.removeprefix('^').removesuffix('$')}" + rf"\n{_ID}" * 4, re.ASCII
)
"""A market and four ids, in lines: none of them holds another line, or there were more than five."""


def check_names(market: str, ids: tuple[str, str, str, str]) -> None:
    """Refuse what could not be a part of a key.

    Raises:
        ValueError: naming what was wrong.
    """
    if _NAMES.fullmatch("\n".join((market, *ids))):
        return
    if all(re.fullmatch(_ID, one, re.ASCII) for one in ids):
        raise ValueError(f"{market[:40]!r} cannot be the name of a market")
    raise ValueError(f"expected ids of 1 to 64 letters, digits, '.', '_', ':' and '-', got {ids!r}"[:REASON_CHARS_MAX])
