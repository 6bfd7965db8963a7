"""The text of an API key: `ak_<id>_<64 hexadecimal digits><checksum>`.

The prefix lets scanners of source code find a leaked key. The checksum (CRC-32) finds a truncated or mistyped one
without the store. The digits are 256 random bits, so that the store keeps a plain SHA-256 digest of the text.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib
from typing import Final

PREFIX: Final = "ak_"
SECRET_BYTES: Final = 32
_CHECKSUM_DIGITS: Final = 8
_KEY: Final = re.compile(rf"{PREFIX}([0-9a-f-]{{36}})_[0-9a-f]{{{2 * SECRET_BYTES + _CHECKSUM_DIGITS}}}", re.ASCII)


def new_text(key_id: str) -> str:
    """Return the text of a new key with this id."""
    body = f"{PREFIX}{key_id}_{secrets.token_hex(SECRET_BYTES)}"
    return body + _checksum(body)


def is_key(credential: str) -> bool:
    """Return whether a credential claims to be an API key."""
    return credential.startswith(PREFIX)


def id_in(text: str) -> str | None:
    """Return the id in a text that has the form of a key; None when it has another form."""
    found = _KEY.fullmatch(text)
    return found[1] if found else None


def is_intact(text: str) -> bool:
    """Return whether a text of the form of a key has the right checksum."""
    return text[-_CHECKSUM_DIGITS:] == _checksum(text[:-_CHECKSUM_DIGITS])


def digest_of(text: str) -> bytes:
    """Return what the store keeps of a key."""
    return hashlib.sha256(text.encode()).digest()


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):0{_CHECKSUM_DIGITS}x}"
