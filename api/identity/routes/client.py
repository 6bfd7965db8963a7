"""The client of a request, as sessions and back-off know it."""

from __future__ import annotations

from fastapi import Request

from api.identity.sessions import Client
from api.kit.context import Api


def client_of(api: Api, request: Request) -> Client:
    """Return the client: its address, as the trusted proxies report it, and the program that it says it is."""
    return Client(api.addresses.of(request.scope), request.headers.get("user-agent", ""))
