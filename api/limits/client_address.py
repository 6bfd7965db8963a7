"""Find the address of a client, through the proxies that the operator trusts.

A header that names the client counts only when a trusted proxy has sent it. The addresses in it are read from right to
left, because each proxy appends the address that it saw: the first one that is no trusted proxy is the client.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final, Literal

FORWARDED_FOR: Final = "x-forwarded-for"
FORWARDED: Final = "forwarded"
ForwardedHeader = Literal["x-forwarded-for", "forwarded"]

IPV6_PREFIX = 64
"""A host gets a whole /64, so that all addresses in one count as one client."""

LOCAL = "local"
"""The address of a client that is connected by a Unix socket."""

ADDRESSES_KNOWN_MAX = 65_536
_FOR = re.compile(r'(?:^|;)\s*for\s*=\s*(?:"([^"]*)"|([^;\s]*))', re.IGNORECASE)
_BRACKETED = re.compile(r"\[([^]]*)\](?::\d+)?")

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


class ClientAddresses:
    """Finds the address of the client of a request.

    Args:
        trusted: The proxies that are trusted, as addresses or CIDR networks.
        header: The header in which they name their client. The other one is not read, because a proxy that does not
            write a header may pass on what the client sent in it.

    Raises:
        ValueError: one of `trusted` is no network.
    """

    def __init__(self, trusted: Iterable[str] = (), header: ForwardedHeader = FORWARDED_FOR) -> None:
        self._trusted: tuple[Network, ...] = tuple(ip_network(one) for one in trusted)
        self._header = header.encode()
        self._split = _hops_forwarded if header == FORWARDED else _hops_forwarded_for

    def of(self, scope: Any) -> str:
        """Return the address of the client of an ASGI connection; an IPv6 address as its /64."""
        return group(self.client(scope))

    def client(self, scope: Any) -> str:
        """Return the address of the client of an ASGI connection, as it is written."""
        client = scope.get("client")
        peer: str = client[0] if client else LOCAL
        if not self._trusted or not self.trusts(peer):
            return peer
        lines = [value.decode("latin-1") for name, value in scope["headers"] if name == self._header]
        return self._first_untrusted(peer, self._split(lines))

    def trusts(self, peer: str) -> bool:
        """Return whether an address is a trusted proxy's."""
        address = parse(peer)
        return address is not None and any(
            address.version == network.version and address in network for network in self._trusted
        )

    def _first_untrusted(self, peer: str, hops: Sequence[str]) -> str:
        """Return the client: the last hop that is no trusted proxy.

        Where a hop is no address ("unknown", say) or none is left, the proxy that named it counts as the client.
        """
        known = peer
        for hop in reversed(hops):
            if parse(hop) is None:
                return known
            known = hop
            if not self.trusts(hop):
                return known
        return known


def parse(text: str) -> Address | None:
    """Return an address; an IPv4 address for one that is mapped into IPv6. None when the text is no address."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


@lru_cache(maxsize=ADDRESSES_KNOWN_MAX)
def group(text: str) -> str:
    """Return the name under which the addresses of one client count together."""
    address = parse(text)
    if address is None:
        return LOCAL
    if isinstance(address, IPv4Address):
        return str(address)
    return str(ip_network((address.packed, IPV6_PREFIX), strict=False))


def _hops_forwarded_for(lines: Sequence[str]) -> list[str]:
    return [_without_port(hop.strip()) for line in lines for hop in line.split(",")]


def _hops_forwarded(lines: Sequence[str]) -> list[str]:
    """Return the `for` of each element of Forwarded (RFC 7239); an element without one is no address."""
    hops = []
    for element in (element for line in lines for element in line.split(",")):
        found = _FOR.search(element.strip())
        hops.append(_without_port((found[1] or found[2] or "") if found else ""))
    return hops


def _without_port(hop: str) -> str:
    if bracketed := _BRACKETED.fullmatch(hop):
        return bracketed[1]
    host, colon, port = hop.partition(":")
    return host if colon and port.isdigit() else hop
