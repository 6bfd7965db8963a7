"""Base64 for URLs, without padding (RFC 4648, section 5)."""

from __future__ import annotations

import base64


def encode(raw: bytes) -> str:
    """Return the text of bytes."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode(text: str) -> bytes:
    """Return the bytes of a text. Stray bits at its end pass: compare `encode` with the text where that matters.

    Raises:
        ValueError: the text has padding or a character outside of the alphabet, or no such length is possible.
    """
    if "=" in text:
        raise ValueError("the text has padding")
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
