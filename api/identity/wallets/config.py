"""The settings of wallets. The composition root (`deploy`) makes them; this module needs the standard library alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from api.identity.wallets.felts import CHAIN_ID, felt
from api.origins import ORIGIN as ORIGIN_FORM

ORIGIN: Final = "http://127.0.0.1:8000"
CHAIN: Final = "SN_SEPOLIA"
CLASSES: Final = (
    "openzeppelin:0x05b4b537eaa2399e3aa99c4e2e0208ebd6c71bc1467938cd52c798c601e43564,"
    "argent:0x036078334509b514626504edc9fb252328d1a240e4e948bef8d0c08dff45927f"
)
"""OpenZeppelin's account of release 1.0.0, and Argent's of release 0.4.0 without a guardian."""

_CONSTRUCTORS: Final[Mapping[str, Callable[[int], list[int]]]] = {
    "openzeppelin": lambda key: [key],
    "argent": lambda key: [0, key, 1],  # the owner is a Starknet key; there is no guardian
}
"""The constructor's arguments of each make of account, for an account that a key alone owns."""


@dataclass(frozen=True, slots=True)
class AccountClass:
    """A class of account contracts whose owner is the key that the constructor takes."""

    make: str
    class_hash: int

    def constructor_calldata(self, public_key: int) -> list[int]:
        """Return the constructor's arguments for an account of this key."""
        return _CONSTRUCTORS[self.make](public_key)


def account_classes_of(text: str) -> tuple[AccountClass, ...]:
    """Return the classes of a list such as `openzeppelin:0x5b4…,argent:0x360…`.

    Raises:
        ValueError: an entry is not a make and a class hash.
    """
    return tuple(_account_class(part.strip()) for part in text.split(",") if part.strip())


def _account_class(text: str) -> AccountClass:
    make, _, class_hash = text.partition(":")
    if make not in _CONSTRUCTORS:
        raise ValueError(f"{make!r} is not one of {', '.join(_CONSTRUCTORS)}")
    return AccountClass(make, felt(class_hash))


def check_chain_id(text: str) -> str:
    """Return a chain id.

    Raises:
        ValueError: it is none.
    """
    if not re.fullmatch(CHAIN_ID, text, re.ASCII):
        raise ValueError("a chain id has 1 to 31 capital letters, digits and _, and begins with a letter")
    return text


def check_origin(text: str) -> str:
    """Return a public origin.

    Raises:
        ValueError: it is none.
    """
    if not ORIGIN_FORM.fullmatch(text):
        raise ValueError(f"{text!r} is not an origin such as https://app.example.com")
    return text


def origin_at(host: str, port: int) -> str:
    """Return the origin of an API without a proxy, by the address that it listens on.

    Raises:
        ValueError: the address makes none, such as a link-local one with its zone.
    """
    name = host.lower()
    try:
        return check_origin(f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}")
    except ValueError as exc:
        raise ValueError(
            f"ASTRA_API_HOST makes no origin for wallets to sign ({exc}): set ASTRA_PUBLIC_ORIGIN"
        ) from exc


def check_node_url(text: str) -> str:
    """Return the URL of a node. Errors do not repeat it, because it may contain a key.

    Raises:
        ValueError: it is no URL with http or https and a host.
    """
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("its scheme is neither http nor https, or it has no host")
    try:
        _ = parts.port
    except ValueError as exc:
        raise ValueError("its port is no number") from exc
    return text


@dataclass(frozen=True, slots=True)
class WalletConfig:
    """Settings of wallets.

    Attributes:
        origin: The public origin of this installation. Each challenge names it.
        chain_id: The chain whose wallets may sign in.
        node_url: A node of that chain; None when none is configured. It may contain a key.
        account_classes: Classes of accounts whose address proves the key of their owner.
    """

    origin: str = ORIGIN
    chain_id: str = CHAIN
    node_url: str | None = field(default=None, repr=False)
    account_classes: tuple[AccountClass, ...] = account_classes_of(CLASSES)
