"""The key ring of a process: the Ed25519 keys that sign and verify access tokens, by their `kid`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from api.identity.errors import NoSigningKeyError
from api.kit import base64url
from streams.times import Instant

ALGORITHM: Final = "EdDSA"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair.

    Attributes:
        kid: Its id: the thumbprint of the public key (RFC 7638).
        private: The private key.
        public: The public key.
        created: When it was made.
        signs_from: From this time on it signs, unless a newer key signs.
        verifies_until: From this time on the tokens that it signed are refused; None while no newer key replaces it.
    """

    kid: str
    private: Ed25519PrivateKey = field(repr=False, compare=False)
    public: Ed25519PublicKey = field(repr=False, compare=False)
    created: Instant
    signs_from: Instant
    verifies_until: Instant | None = None

    @classmethod
    def of(
        cls, private: Ed25519PrivateKey, created: Instant, signs_from: Instant, verifies_until: Instant | None = None
    ) -> Self:
        """Return the pair of a private key, with its id."""
        public = private.public_key()
        return cls(thumbprint(public), private, public, created, signs_from, verifies_until)

    def verifies(self, now: Instant) -> bool:
        """Return whether the tokens that this key signed are accepted at a time."""
        return self.verifies_until is None or now < self.verifies_until

    def jwk(self) -> dict[str, str]:
        """Return the public key as a JSON Web Key (RFC 8037)."""
        return {**_members(self.public), "kid": self.kid, "use": "sig", "alg": ALGORITHM}


def thumbprint(public: Ed25519PublicKey) -> str:
    """Return the thumbprint of a public key (RFC 7638), which is its `kid`."""
    members = _members(public)
    text = ",".join(f'"{name}":"{members[name]}"' for name in sorted(members))
    return base64url.encode(hashlib.sha256(b"{" + text.encode() + b"}").digest())


class KeyRing:
    """The keys that a process knows. Replace all of them at once when the store has others."""

    def __init__(self, keys: Iterable[SigningKey] = ()) -> None:
        self._keys: Mapping[str, SigningKey] = {}
        self.replace(keys)

    def replace(self, keys: Iterable[SigningKey]) -> bool:
        """Know these keys only. Return whether anything changed."""
        known = {key.kid: key for key in keys}
        changed = known != self._keys
        self._keys = known
        return changed

    def verifying(self, kid: object, now: Instant) -> SigningKey | None:
        """Return the key with this id if it verifies tokens at a time."""
        key = self._keys.get(kid) if isinstance(kid, str) else None
        return key if key is not None and key.verifies(now) else None

    def signing(self, now: Instant) -> SigningKey:
        """Return the key that signs at a time: the one that began last.

        Raises:
            NoSigningKeyError: there is none.
        """
        able = [key for key in self._keys.values() if key.signs_from <= now and key.verifies(now)]
        if not able:
            raise NoSigningKeyError("no key signs access tokens now; run `astratrade keys rotate --at-once`")
        return max(able, key=lambda key: (key.signs_from, key.created, key.kid))

    def published(self, now: Instant) -> Sequence[SigningKey]:
        """Return the keys that verify tokens now or will, the newest first."""
        keys = [key for key in self._keys.values() if key.verifies(now)]
        return sorted(keys, key=lambda key: (key.signs_from, key.kid), reverse=True)


def _members(public: Ed25519PublicKey) -> dict[str, str]:
    """Return the members of a JSON Web Key that make the key, as the thumbprint needs them."""
    return {"crv": "Ed25519", "kty": "OKP", "x": base64url.encode(public.public_bytes_raw())}
