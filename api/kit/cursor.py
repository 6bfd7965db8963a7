"""Cursors of ranking pages: opaque, signed, and valid for one ranking in one epoch."""

from __future__ import annotations

import base64
import binascii
import hmac
from functools import lru_cache

import orjson

from api.identity.secret import derived_key
from api.kit.problems import UNKNOWN_CURSOR, Problem

SIGNATURE_BYTES = 12
CURSOR_CHARS_MAX = 512


def write(secret: str, *, group: str, epoch: str, entry: str) -> str:
    """Return a cursor that continues after `entry`."""
    content = orjson.dumps([group, epoch, entry])
    return base64.urlsafe_b64encode(_sign(secret, content) + content).decode().rstrip("=")


def read(secret: str, cursor: str, *, group: str, epoch: str) -> str:
    """Return the entry to continue after.

    Raises:
        Problem: 400 when this API did not issue the cursor, or issued it for another ranking or epoch.
    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error) as exc:
        raise Problem(UNKNOWN_CURSOR, "this is not a cursor that was given here") from exc
    signature, content = raw[:SIGNATURE_BYTES], raw[SIGNATURE_BYTES:]
    if not hmac.compare_digest(signature, _sign(secret, content)):
        raise Problem(UNKNOWN_CURSOR, "this is not a cursor that was given here")
    for_group, for_epoch, entry = orjson.loads(content)
    if for_group != group:
        raise Problem(UNKNOWN_CURSOR, f"this cursor is for {for_group}, not for {group}")
    if for_epoch != epoch:
        raise Problem(UNKNOWN_CURSOR, "the table was rebuilt since this cursor was given; start again without one")
    return str(entry)


def _sign(secret: str, content: bytes) -> bytes:
    return hmac.digest(_key(secret), content, "sha256")[:SIGNATURE_BYTES]


@lru_cache(maxsize=1)
def _key(secret: str) -> bytes:
    return derived_key(secret, "cursors")
