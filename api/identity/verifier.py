"""Verify credentials: access tokens and API keys."""

from __future__ import annotations

from api.auth import Principal, Tokens
from api.identity.api_keys.known import Address, KnownKeys, Pay
from api.identity.api_keys.text import is_key
from streams.times import Instant


class Verifier:
    """Finds the caller of a credential, whatever its kind."""

    def __init__(self, tokens: Tokens, keys: KnownKeys) -> None:
        self._tokens = tokens
        self._keys = keys

    async def caller(self, credential: str, at: Instant, address: Address, pay: Pay) -> Principal:
        """Return the caller that a credential names.

        Args:
            credential: A token or an API key.
            at: The present time.
            address: Returns the client's address.
            pay: Charges the client for a reading of the store.

        Raises:
            Problem: 401; for an API key that this process does not know also 429 and 503.
        """
        if is_key(credential):
            return await self._keys.caller(credential, address, pay)
        return self._tokens.caller(credential, at)

    def recheck(self, credential: str, caller: Principal, at: Instant) -> None:
        """Refuse a verified caller whose token or key has expired or was revoked since. The check reads memory only.

        Raises:
            Problem: 401.
        """
        if caller.key_id is None:
            self._tokens.caller(credential, at)
        else:
            self._keys.recheck(caller, at)
