"""Seal text that clients hold but must neither read nor forge, such as cursors and resume ids; give things aliases.

AES-SIV (RFC 5297) is deterministic: each API process gives the same text the same seal, so that seals can be cached
and compared. All keys derive from the installation's secret.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from api.identity.secret import derived_key
from api.kit import base64url

ALIAS_BYTES: Final = 12


class SealError(ValueError):
    """The text was not sealed here, or for another purpose."""


class Sealer:
    """Seals and opens text. `purpose` is bound into the seal: what was sealed for one purpose opens for no other."""

    def __init__(self, secret: str) -> None:
        self._cipher = AESSIV(derived_key(secret, "seals: authenticate") + derived_key(secret, "seals: encrypt"))
        self._alias_key = derived_key(secret, "aliases")

    def seal(self, purpose: str, text: str) -> str:
        """Return the seal of a text, in base64url."""
        sealed = self._cipher.encrypt(text.encode(), [purpose.encode()])
        return base64url.encode(sealed)

    def open(self, purpose: str, sealed: str) -> str:
        """Return the text of a seal.

        Raises:
            SealError: when it was not sealed with this secret for this purpose.
        """
        try:
            return self._cipher.decrypt(base64url.decode(sealed), [purpose.encode()]).decode()
        except (ValueError, InvalidTag) as exc:
            raise SealError("the text was not sealed here for this purpose") from exc

    def keyed_digest(self, text: str) -> str:
        """Return a keyed digest (HMAC) of a text, in hexadecimal. Only holders of the secret can compute it."""
        return hmac.digest(self._alias_key, f"digest\x00{text}".encode(), hashlib.sha256).hex()

    def alias(self, purpose: str, text: str) -> str:
        """Return a name for a text that does not tell the text. Equal texts have equal names."""
        digest = hmac.digest(self._alias_key, f"{purpose}\x00{text}".encode(), hashlib.sha256)
        return base64url.encode(digest[:ALIAS_BYTES])
