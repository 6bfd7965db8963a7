"""Who signs transactions. A key is in an encrypted keystore, never in a setting."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from starknet_py.hash.utils import message_signature
from starknet_py.net.signer.key_pair import KeyPair

from contracts.account.errors import SignerError


class Signer(Protocol):
    """Signs for one account: from a keystore, or by a service that keeps the key."""

    @property
    def public_key(self) -> int:
        """Return the key that the account's contract checks signatures by."""

    async def sign(self, message_hash: int) -> Sequence[int]:
        """Return the signature of a hash, as the account's contract takes it."""


class KeystoreSigner:
    """Signs with a key of an Ethereum-format keystore. The key is in memory while the process runs."""

    def __init__(self, keys: KeyPair) -> None:
        self._keys = keys

    @classmethod
    def open(cls, path: Path, password: str) -> KeystoreSigner:
        """Decrypt a keystore.

        Raises:
            SignerError: there is no keystore, or the password is wrong.
        """
        try:
            return cls(KeyPair.from_keystore(str(path), password.encode()))  # type: ignore[arg-type] # it hashes bytes
        except (OSError, ValueError, KeyError, TypeError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) else "it is no keystore, or the password is wrong"
            raise SignerError(f"the keystore {path} cannot be opened: {reason}") from None

    @property
    def public_key(self) -> int:
        """Return the public key."""
        return self._keys.public_key

    async def sign(self, message_hash: int) -> Sequence[int]:
        """Sign in another thread, as it takes 100 ms of Python."""
        return await asyncio.to_thread(message_signature, message_hash, self._keys.private_key)
