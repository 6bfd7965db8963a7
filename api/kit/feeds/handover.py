"""How a socket opens a feed: it calls the feed's own route, which hands the session over in place of an answer.

So each feed has one route, which authenticates, authorises, limits and validates for both encodings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from api.kit.feeds.permit import Permit
from api.kit.feeds.session import Session

HANDOVER: Final = "astratrade.handover"
"""The key in the ASGI scope of such a call. Clients cannot set it."""


@dataclass
class Handover:
    """What a socket and a feed's route give each other.

    Attributes:
        permit: The socket's permit; None while the socket is not authenticated.
        session: The session that the route opened; None when it refused.
    """

    permit: Permit | None = None
    session: Session | None = None
