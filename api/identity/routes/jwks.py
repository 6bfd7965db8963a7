"""`/.well-known/jwks.json`: the public keys that verify access tokens."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from api.kit.clock import now
from api.kit.context import ApiDep

MAX_AGE_S = 5
"""Shorter than the time for which a new key is published before it signs."""

router = APIRouter(tags=["Sign-in"])


class Key(BaseModel):
    """A public key (RFC 8037)."""

    kty: Annotated[str, Field(examples=["OKP"])]
    crv: Annotated[str, Field(examples=["Ed25519"])]
    x: str
    kid: str
    use: Annotated[str, Field(examples=["sig"])]
    alg: Annotated[str, Field(examples=["EdDSA"])]


class KeySet(BaseModel):
    """The keys in use, the newest first (RFC 7517)."""

    keys: list[Key]


@router.get("/.well-known/jwks.json", summary="The keys that verify access tokens")
async def get_keys(api: ApiDep, response: Response) -> KeySet:
    """Return the public keys of access tokens by `kid`, with the one that signs next."""
    response.headers["Cache-Control"] = f"public, max-age={MAX_AGE_S}"
    return KeySet(keys=[Key(**key.jwk()) for key in api.identity.keys.published(now())])
