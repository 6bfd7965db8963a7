"""Refuse to post to addresses inside of the installation's own network.

A partner chooses the URL. Without this check the process could be made to call services that only it can reach.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

import anyio
import httpcore
import httpx

URL_CHARS_MAX: Final = 2_048


class ForbiddenAddressError(httpcore.ConnectError):
    """The URL leads to an address that is not public."""


def check_url(url: str, *, private: bool) -> str:
    """Return a URL to which events may be posted.

    Raises:
        ValueError: it is no https URL of a host, or has credentials or a fragment. With `private`, http is allowed.
    """
    try:
        parts = urlsplit(url)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError("expected a URL like https://partner.example/hooks") from None
    schemes = {"https", "http"} if private else {"https"}
    if parts.scheme not in schemes or not parts.hostname or not port_is_valid or len(url) > URL_CHARS_MAX:
        raise ValueError(f"expected a URL like https://partner.example/hooks, got {url[:80]!r}")
    if parts.username or parts.password or parts.fragment:
        raise ValueError("expected a URL without credentials and fragment")
    return url


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Connects to the addresses that a host's name resolves to, if all of them are public."""

    def __init__(self, *, private: bool) -> None:
        self._private = private
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve the name once, and connect to the address that was checked."""
        try:
            found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as exc:
            raise httpcore.ConnectError(f"{host} is unknown: {exc}") from exc
        addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
        if not self._private and not all(ipaddress.ip_address(one).is_global for one in addresses):
            raise ForbiddenAddressError(f"{host} leads to an address that is not public")
        return await self._backend.connect_tcp(addresses[0], port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        """Sleep."""
        await self._backend.sleep(seconds)


class GuardedTransport(httpx.AsyncHTTPTransport):
    """An HTTP transport that connects to public addresses only, unless `private` allows all."""

    def __init__(self, *, private: bool) -> None:
        super().__init__(trust_env=False)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False), network_backend=GuardedBackend(private=private)
        )
