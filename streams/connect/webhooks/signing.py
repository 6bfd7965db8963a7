"""Sign deliveries with a secret that the receiver shares.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from typing import Final

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what every secret begins with
SECRET_BYTES: Final = 32


def new_secret() -> str:
    """Return a new secret: ``whsec_`` and the base64 of its bytes."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signed_headers(secret: str, delivery_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """Return the headers of a delivery: its id, the time of the attempt in Unix seconds, and a signature of all.

    Raises:
        ValueError: the secret has another form than those of `new_secret`.
    """
    content = f"{delivery_id}.{timestamp_s}.".encode() + body
    digest = hmac.new(_key(secret), content, hashlib.sha256).digest()
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def _key(secret: str) -> bytes:
    try:
        if secret.startswith(SECRET_PREFIX):
            return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        pass
    raise ValueError(f"expected a secret that begins with {SECRET_PREFIX!r} and goes on in base64")
