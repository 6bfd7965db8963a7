"""The networks that an API key may be used from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

from api.limits.client_address import Network, parse

MAPPED: Final = IPv6Network("::ffff:0:0/96")
"""The IPv4 addresses, as IPv6 writes them."""


def network(text: str) -> str:
    """Return a CIDR network in its usual form; an address is a network of one.

    IPv4 addresses that are mapped into IPv6 become IPv4 addresses, as the addresses of clients do.

    Raises:
        ValueError: the text is no network. The message may be shown to the caller.
    """
    try:
        return str(_unmapped(ip_network(text if "/" in text else ip_address(text))))
    except ValueError as exc:
        raise ValueError(f"{text[:60]!r} is no address or CIDR network: {exc}") from exc


def _unmapped(found: Network) -> Network:
    if isinstance(found, IPv6Network) and found.subnet_of(MAPPED):
        mapped = int(found.network_address) - int(MAPPED.network_address)
        return IPv4Network((mapped, found.prefixlen - MAPPED.prefixlen))
    return found


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Return the networks that `network` wrote down."""
    return tuple(ip_network(text) for text in texts)


def contains(allowed: Sequence[Network], address: str) -> bool:
    """Return whether an address is in one of the networks. A client of a Unix socket has none, and is in no network."""
    found = parse(address)
    return found is not None and any(found.version == each.version and found in each for each in allowed)
