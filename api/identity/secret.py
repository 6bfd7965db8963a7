"""Derive keys from the installation's secret, and seal the signing keys with one of them."""

from __future__ import annotations

import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from api.identity.errors import WrongSecretError

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12


def derived_key(secret: str, purpose: str) -> bytes:
    """Return the key for one purpose. Keys of two purposes tell nothing about each other, nor about the secret."""
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"astratrade\x00" + purpose.encode()).derive(secret.encode())


class Seal:
    """Encrypts small secrets for the store (AES-256-GCM). `name` is authenticated, so that no two can be swapped."""

    def __init__(self, secret: str) -> None:
        self._cipher = AESGCM(derived_key(secret, "seal"))

    def seal(self, plain: bytes, name: str) -> bytes:
        """Return a fresh nonce and the ciphertext."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, name.encode())

    def open(self, sealed: bytes, name: str) -> bytes:
        """Return what was sealed under this name.

        Raises:
            WrongSecretError: another secret or another name sealed it, or it was changed.
        """
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], name.encode())
        except (InvalidTag, ValueError) as exc:
            raise WrongSecretError(f"ASTRA_SECRET is not the one that sealed {name}") from exc
