"""What the bridge cannot mend by itself: each message says what was found and what to do."""

from __future__ import annotations


class BridgeError(Exception):
    """Kafka and the views do not belong together any more; going on would serve something wrong."""
