"""What a stream of server-sent events has beside the events of its feed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from api.kit.feeds.permit import Lapse
from api.kit.feeds.session import Ended

RECONNECT: Final = b"retry: 1000\n\n"
LAST_FRAMES: Final[Mapping[Ended | Lapse, bytes]] = {
    Ended.STOPPING: b": the server is stopping; connect again\n\n",
    Lapse.CHANGED: b": what you follow has changed; connect again\n\n",
    Lapse.EXPIRED: b'event: end\ndata: {"why":"expired"}\n\n',
    Lapse.REVOKED: b'event: end\ndata: {"why":"revoked"}\n\n',
}
"""The last frame by the reason of the end. A client that proved too slow was sent `resync` already."""
