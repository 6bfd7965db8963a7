"""The networks that an API key may be used from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import ip_address, ip_network

from api.limits.client_address import Network, parse


def network(text: str) -> str:
    """Return a CIDR network in its usual form; an address is a network of one.

    Raises:
        ValueError: the text is no network. The message may be shown to the caller.
    """
    try:
        return str(ip_network(text if "/" in text else ip_address(text)))
    except ValueError as exc:
        raise ValueError(f"{text[:60]!r} is no address or CIDR network: {exc}") from exc


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Return the networks that `network` wrote down."""
    return tuple(ip_network(text) for text in texts)


def contains(allowed: Sequence[Network], address: str) -> bool:
    """Return whether an address is in one of the networks. A client of a Unix socket has none, and is in no network."""
    found = parse(address)
    return found is not None and any(found.version == each.version and found in each for each in allowed)
