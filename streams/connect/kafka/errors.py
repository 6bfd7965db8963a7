"""Errors that the bridge cannot repair. Each message says what the bridge found and what the operator can do."""

from __future__ import annotations


class BridgeError(Exception):
    """Kafka and the views do not belong together any more. The bridge would serve wrong data if it went on."""
