"""Headers of messages: as pairs, and added by what listens to an app's sends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def header_pairs(headers: Any) -> tuple[tuple[str, bytes], ...]:
    """Return headers as pairs; Faust allows a mapping, pairs or None."""
    if not headers:
        return ()
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return tuple((str(name), value if isinstance(value, bytes) else str(value).encode()) for name, value in pairs)


def listens_to_sends(app: Any) -> bool:
    """Return whether anything is connected to the app's signal `on_produce_message`, which may add headers."""
    return any(True for _ in app.on_produce_message.iter_receivers(app))
