"""The bodies and answers of API keys."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from api.identity.api_keys.networks import network
from api.identity.api_keys.store import (
    DAYS_DEFAULT,
    DAYS_MAX,
    NAME_CHARS_MAX,
    NETWORKS_MAX,
    ApiKey,
    CreatedKey,
    NewKey,
)
from api.identity.routes.models import Body, Password
from api.permissions import Scope
from streams.times import Instant

NETWORK_CHARS_MAX = 64
PRINTABLE = r"^[ -~]+$"

Name = Annotated[str, StringConstraints(min_length=1, max_length=NAME_CHARS_MAX, pattern=PRINTABLE)]
"""What an owner calls a key or a sub-account."""
NetworkText = Annotated[str, StringConstraints(max_length=NETWORK_CHARS_MAX), AfterValidator(network)]


class ApiKeyRequest(Body):
    """A new API key."""

    name: Annotated[Name, Field(description="what you call it", examples=["market maker"])]
    scopes: Annotated[
        list[Scope],
        Field(
            min_length=1,
            max_length=len(Scope),
            description="the scopes that the key grants",
            examples=[["trade", "read:private"]],
        ),
    ]
    expires_in_days: Annotated[int, Field(strict=True, ge=1, le=DAYS_MAX)] = DAYS_DEFAULT
    addresses: Annotated[
        list[NetworkText],
        Field(
            default_factory=list,
            max_length=NETWORKS_MAX,
            description="addresses or CIDR networks that it may be used from; empty for all",
            examples=[["192.0.2.0/24"]],
        ),
    ]

    password: Annotated[
        Password | None, Field(description="your account's password; required when the account has one")
    ] = None

    def asked(self) -> NewKey:
        """Return the properties of the key that the request describes."""
        return NewKey(
            name=self.name,
            scopes=frozenset(self.scopes),
            days=self.expires_in_days,
            addresses=tuple(self.addresses),
        )


class ApiKeyAnswer(BaseModel):
    """An API key without its secret."""

    id: str
    name: str
    scopes: list[str]
    addresses: Annotated[list[str], Field(description="empty: it may be used from all addresses")]
    created_at: Instant
    expires_at: Instant
    last_used_at: Annotated[
        Instant | None, Field(description="written down within about a minute of the use; null before")
    ]


class CreatedApiKey(ApiKeyAnswer):
    """A new API key. This answer alone has its text."""

    key: Annotated[str, Field(description="send it as `Authorization: Bearer`; it is never shown again")]


class ApiKeysAnswer(BaseModel):
    """The API keys of an account that were not revoked, the oldest first."""

    api_keys: list[ApiKeyAnswer]


def answer_of(key: ApiKey) -> ApiKeyAnswer:
    """Return a key as its owner sees it."""
    return ApiKeyAnswer(
        id=key.id,
        name=key.name,
        scopes=list(key.scopes),
        addresses=list(key.addresses),
        created_at=key.created,
        expires_at=key.expires,
        last_used_at=key.last_used,
    )


def created_answer(created: CreatedKey) -> CreatedApiKey:
    """Return a new key with its text."""
    return CreatedApiKey(**dict(answer_of(created.key)), key=created.text)
