"""The bodies and answers of signing in."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from api.identity import names
from api.identity.password_rules import CHARS_MAX, CHARS_MIN
from api.kit.audited import REASON_CHARS_MAX, REASON_CHARS_MIN
from streams.times import Instant

LOGIN_CHARS_MAX = 320
REFRESH_TOKEN = r"^[A-Za-z0-9_-]{43}$"  # noqa: S105 - its form

Password = Annotated[str, StringConstraints(min_length=1, max_length=CHARS_MAX)]
NewPassword = Annotated[
    str,
    StringConstraints(min_length=CHARS_MIN, max_length=CHARS_MAX),
    Field(description=f"{CHARS_MIN} to {CHARS_MAX} characters; common ones are refused"),
]
Email = Annotated[str, StringConstraints(max_length=320), AfterValidator(names.email)]
Login = Annotated[
    str, StringConstraints(min_length=1, max_length=LOGIN_CHARS_MAX), Field(description="user name or e-mail address")
]


Reason = Annotated[str, StringConstraints(min_length=REASON_CHARS_MIN, max_length=REASON_CHARS_MAX)]
"""Why staff decide about an account."""


class Body(BaseModel):
    """A body without unknown members."""

    model_config = ConfigDict(extra="forbid")


class Registration(Body):
    """A new account."""

    username: Annotated[str, Field(max_length=64, examples=["alice"]), AfterValidator(names.username)]
    email: Annotated[Email | None, Field(examples=["alice@example.org"])] = None
    password: NewPassword


class LogIn(Body):
    """A user name or e-mail address, and its password."""

    login: Login
    password: Password


class Refresh(Body):
    """The refresh token of the latest answer. It works once."""

    refresh_token: Annotated[str, StringConstraints(pattern=REFRESH_TOKEN)]


class PasswordChange(Body):
    """The present password and a new one."""

    current_password: Password
    new_password: NewPassword
    revoke_api_keys: Annotated[
        bool, Field(strict=True, description="true: also revoke all API keys, those of your sub-accounts included")
    ] = False


class SignedInAnswer(BaseModel):
    """Tokens. Send the access token as `Authorization: Bearer`, and the refresh token once to get new ones."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the type's name
    expires_in: Annotated[int, Field(description="seconds until the access token expires", examples=[600])]
    refresh_token: str
    user_id: Annotated[str, Field(description="the subject of the tokens")]
    session_id: str


class SessionAnswer(BaseModel):
    """An open session."""

    id: str
    current: Annotated[bool, Field(description="it is the session of this request's token")]
    method: Annotated[str, Field(examples=["password"])]
    address: Annotated[str, Field(description="the client's address when it signed in")]
    user_agent: str
    created_at: Instant
    last_used_at: Instant
    expires_at: Instant


class SessionsAnswer(BaseModel):
    """The open sessions of the caller, the latest first."""

    sessions: list[SessionAnswer]
