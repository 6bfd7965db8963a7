"""Every route x every caller x own and foreign objects, by real requests, against the permission table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import insert

from api import domains
from api.app import create_app
from api.auth import Principal, Role, verify
from api.config import ApiConfig
from api.identity import accounts
from api.identity.api_keys.text import digest_of, id_in
from api.identity.store.tables import API_KEYS
from api.kit.clock import now
from api.kit.context import Api
from api.permissions import (
    SUB_ACCOUNT_SCOPES,
    WEBSOCKET,
    Permission,
    Permissions,
    PermissionTableError,
    Scope,
    routes_of,
)
from streams.times import DAY_US, Instant
from tables.domains import TOPOLOGY
from tests.identity.api_keys import forged, with_checksum
from tests.integration.api.support import config_of, fill
from tests.support.tokens import KEYS, key, mint

SUBJECT, STRANGER = "alice", "bob"
PARENT, CHILD = "owner-user", "owner-user-bot"
ROUTES = routes_of(create_app(config_of("redis://nowhere")).routes)
REFUSALS = {401, 403}
ABOUT_OTHERS = {f"/v1/users/{{user_id}}/{change}" for change in ("verification", "suspend", "reinstate")}
"""Routes that refuse to act on their caller and on sub-accounts, whatever the table allows."""
VALUES = {
    "trade_id": "t-1",
    "market": "BTC",
    "board": "xp",
    "name": "validation",
    "session_id": "s-1",
    "chain_id": "SN_SEPOLIA",
    "address": "0x2",
    "key_id": "k-1",
    "webhook_id": "w-1",
    "event_id": "e-1",
    "sub_account_id": "s-1",
    "constellation_id": "c-1",
    "battle_id": "b-1",
    "member_id": "bob",
    "withdrawal_id": "w-1",
    "token_id": "t-1",
    "listing_id": "l-1",
}
BODIES: dict[str, Any] = {
    "/v1/trades": {"market": "BTC", "side": "long", "notional_usd": "10.00", "leverage": 2},
    "/v1/fills": {"fills": [fill()]},
    "/v1/prices": {"prices": [{"market": "BTC", "price": "1"}]},
    "/v1/users/{user_id}/verification": {"tier": "identity", "reason": "the test of permissions"},
    "/v1/users/{user_id}/suspend": {"reason": "the test of permissions"},
    "/v1/users/{user_id}/reinstate": {"reason": "the test of permissions"},
    "/v1/preferences": {"language": "en"},
    "/v1/notifications/read": {},
    "/v1/sponsored-calls": {
        "account": "0x2",
        "nonce": "0x1",
        "execute_after": 0,
        "execute_before": 2**40,
        "calls": [{"to": "0x3", "selector": "0x4"}],
        "signature": ["0x5"],
    },
    "/v1/nft/mints": {"type": "first_trade"},
    "/v1/nft/tokens/{token_id}/listings": {"asset": "SS", "price": "100"},
    "/v1/nft/tokens/{token_id}/listings/{listing_id}/purchases": {"asset": "SS", "price": "100"},
}
PRIVATE_OF_A_USER = {
    "trading-account",
    "open-trades",
    "positions",
    "portfolio",
    "trades",
    "balances",
    "withdrawals",
    "plan",
}
SIGNING_IN = {
    "/v1/auth/register",
    "/v1/auth/login",
    "/v1/auth/refresh",
    "/v1/auth/wallet/challenge",
    "/v1/auth/wallet/login",
}
PRIVATE_FEEDS = {
    "positions", "portfolio", "my-trades", "account", "collector", "trading-account", "open-trades",
    "balances", "money", "withdrawals", "plan", "withdrawal-reviews", "membership", "battle-entry",
}  # fmt: skip
KEPT = {
    "/v1/feed/tickets",
    "/v1/auth/logout",
    "/v1/auth/logout-everywhere",
    "/v1/account/sessions/{session_id}",
}
"""Routes that change something, which a suspended account keeps: tickets of its feeds, and the ends of its sessions."""
VALUES |= {"content_id": "c-1", "letter_id": "astratrade-trading:t:0:1", "table": "trading-trades"}
BODIES |= {
    "/v1/users/{user_id}/interactions": {"kind": "like"},
    "/v1/contents": {"kind": "trade", "platform": "reddit"},
    "/v1/contents/{content_id}/shares": {"platform": "reddit"},
}
PRIVATE_OF_A_USER |= {"account", "collector", "inbox", "preferences", "sponsored-calls"}
PRIVATE_FEEDS |= {"inbox", "my-account", "my-nfts", "my-rewards", "notifications", "preferences", "sponsored-calls"}
PRIVATE_OF_A_USER |= {"feed", "follows", "recent-interactions"}
PRIVATE_FEEDS |= {"my-social", "community", "follows", "recent-interactions"}
OF_DOMAINS = [one.permissions for one in domains.load(TOPOLOGY)]
TABLE = Permissions(OF_DOMAINS)


@dataclass(frozen=True)
class Caller:
    """The caller: nobody, a session of a role, an API key with one scope, or someone with a bad token or key.

    A `child` is a sub-account of the user with API keys.
    """

    role: Role | None
    scope: Scope | None = None
    bad: str | None = None
    child: bool = False
    suspended: bool = False

    def __str__(self) -> str:
        name = "sub-account" if self.child else "suspended account" if self.suspended else f"{self.role}"
        return self.bad or name + (f" with a key for {self.scope}" if self.scope else "")

    @property
    def subject(self) -> str:
        """Return the account. Keys of each role have an account of their own, since an account has one role."""
        if self.child:
            return CHILD
        return SUBJECT if self.scope is None else f"owner-{self.role}"

    @property
    def key(self) -> str:
        role, scope = [*Role].index(self.role or Role.USER), [*Scope].index(self.scope or Scope.TRADE)
        body = f"ak_00000000-0000-7000-8000-{role + 16 * self.child:04x}{scope:08x}"
        return with_checksum(f"{body}_{'7' * 64}")

    @property
    def headers(self) -> dict[str, str]:
        if self.bad is not None:
            return {"Authorization": f"Bearer {BAD[self.bad]()}"}
        if self.role is None:
            return {}
        session = mint(SUBJECT, self.role, suspended=self.suspended)
        text = session if self.scope is None else self.key
        return {"Authorization": f"Bearer {text}", "X-Audit-Reason": "the test of permissions"}

    def expected(self, permission: Permission, *, foreign: bool) -> int | None:
        """Return the status of the refusal, None when the table allows the request."""
        if self.bad is not None:
            return None if permission.open else 401
        if not permission.roles:
            return None
        if self.role is None:
            return 401
        allowed = self.role in permission.roles and (self.scope is None or self.scope == permission.scope)
        allowed = allowed and (permission.suspended or not self.suspended)
        reaches = not foreign or not permission.owned or self.role in permission.foreign
        return None if allowed and reaches else 403


ENDED = Caller(Role.ADMIN, Scope.ACCOUNT)
"""The caller whose key is written down as expired."""
BAD: dict[str, Callable[[], str]] = {
    "no token at all": lambda: "guess",
    "an expired token": lambda: mint(SUBJECT, ttl_s=60, age_s=3_600),
    "a forged token": lambda: mint(SUBJECT, by=key(2)),
    "a forged API key": lambda: forged(Caller(Role.USER, Scope.TRADE).key),
    "an expired API key": lambda: ENDED.key,
}
CALLERS = [
    Caller(None),
    *(Caller(role) for role in Role),
    Caller(Role.USER, suspended=True),
    *(caller for role in Role for scope in Scope if (caller := Caller(role, scope)) != ENDED),
    *(Caller(Role.USER, scope, child=True) for scope in sorted(SUB_ACCOUNT_SCOPES)),
    *(Caller(None, bad=bad) for bad in BAD),
]


async def plant(api: Api) -> None:
    """Write down an account of each role with a key of each scope, also those that the API would refuse to make.

    The user has a sub-account with keys, too.
    """
    async with api.store.work(now()) as work:
        for role, child in [*((role, False) for role in Role), (Role.USER, True)]:
            owner = Caller(role, Scope.TRADE, child=child).subject
            parent = PARENT if child else None
            await accounts.create_account(work, username=None, account_id=owner, role=role, parent_id=parent)
            rows = [
                {
                    "id": id_in(caller.key),
                    "account_id": owner,
                    "digest": digest_of(caller.key),
                    "name": str(caller),
                    "scopes": [caller.scope],
                    "addresses": [],
                    "created_us": 0,
                    "expires_us": 0 if caller == ENDED else int(work.now) + DAY_US,
                }
                for caller in (Caller(role, scope, child=child) for scope in Scope)
            ]
            await work.connection.execute(insert(API_KEYS), rows)
    await api.identity.refresh()


@pytest.fixture
def config(config: ApiConfig) -> ApiConfig:
    return replace(config, rate_limit_factor=10_000)


def callers_of(permission: Permission, turn: int) -> Iterator[tuple[Caller, bool]]:
    """Yield who calls a route, and whether for the objects of others, too: a bad token and a key without the scope are
    refused before an object is looked at. Of the scopes that a route does not ask for, one takes its turn.
    """
    others = [scope for scope in Scope if scope is not permission.scope]
    for caller in CALLERS:
        if caller.bad is not None:
            yield caller, False
        elif caller.scope in {None, permission.scope}:
            yield caller, True
        elif caller.role is Role.USER and (caller.child or caller.scope is others[turn % len(others)]):
            yield caller, False


def targets(path: str, subject: str) -> Iterator[tuple[str, bool]]:
    """Yield the paths of a route, and whether they name another user's object. A sub-account's is its parent's, too."""
    if "{user_id}" not in path:
        yield path.format(**VALUES), False
        return
    own = {subject, CHILD} if subject == PARENT else {subject}
    for user in {subject, STRANGER, CHILD} | ({PARENT} if subject == CHILD else set()):
        yield path.format(**VALUES, user_id=user), user not in own


async def test_a_route_does_what_the_table_says_for_every_caller(
    served_app: FastAPI, server: httpx.AsyncClient
) -> None:
    await plant(served_app.state.api)
    wrong = []
    for turn, (method, path) in enumerate(ROUTES):
        permission = TABLE.of(method, path)
        for caller, for_others in callers_of(permission, turn) if method != WEBSOCKET else ():
            for target, foreign in list(targets(path, caller.subject))[: None if for_others else 1]:
                if path in ABOUT_OTHERS and (not foreign or CHILD in target):
                    continue
                async with server.stream(method, target, headers=caller.headers, json=BODIES.get(path)) as answer:
                    refused = answer.status_code if answer.status_code in REFUSALS else None
                if refused != caller.expected(permission, foreign=foreign) or answer.status_code >= 500:
                    wrong.append((str(caller), method, target, answer.status_code))
    assert not wrong


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v1/fills"), ("GET", f"/v1/users/{SUBJECT}/portfolio"), ("GET", "/v1/fees"), ("GET", "/v1/services")],
)
async def test_a_request_is_identified_once(
    client: httpx.AsyncClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch, method: str, path: str
) -> None:
    api: Api = app.state.api
    of_token, asked = api.identity.tokens.caller, []

    def caller(token: str, now: Instant) -> Principal:
        asked.append(token)
        return of_token(token, now)

    monkeypatch.setattr(api.identity.tokens, "caller", caller)
    await client.request(method, path, headers=Caller(Role.VENUE).headers, json=BODIES.get(path))
    assert len(asked) == 1


def test_a_suspended_account_keeps_its_reads_and_loses_its_commands() -> None:
    for method, path in ROUTES:
        permission = TABLE.of(method, path)
        if permission.suspended:
            assert method == "GET" or path in KEPT, f"{method} {path} changes something"
        elif method == "GET" and permission.scope is Scope.READ_PRIVATE:
            pytest.fail(f"{method} {path} is a read that a suspended account loses")


def test_a_suspended_moderator_reads_as_a_user() -> None:
    caller, _ = verify(KEYS, mint(SUBJECT, Role.MODERATOR, suspended=True), now())
    assert (caller.role, caller.suspended) == (Role.USER, True)


def test_what_belongs_to_a_user_is_never_public() -> None:
    for method, path in ROUTES:
        place, _, name = path.rpartition("/")
        private = (place, name in PRIVATE_FEEDS) == ("/v1/feed", True) or (
            (place, name in PRIVATE_OF_A_USER) == ("/v1/users/{user_id}", True)
        )
        if private or (method not in {"GET", WEBSOCKET} and path not in SIGNING_IN):
            assert not TABLE.of(method, path).public, path


def test_an_application_with_a_route_that_is_not_in_the_table_does_not_start() -> None:
    app = create_app(config_of("redis://nowhere"))
    app.add_api_route("/v1/new", lambda: None, methods=["DELETE"])
    with pytest.raises(PermissionTableError, match=r"add a permission .* for DELETE /v1/new"):
        app.state.api.permissions.check_complete(app)


def test_a_permission_without_a_route_is_refused() -> None:
    app = create_app(config_of("redis://nowhere"))
    with pytest.raises(PermissionTableError, match="without a route: GET /v1/gone"):
        Permissions([*OF_DOMAINS, {("GET", "/v1/gone"): Permission()}]).check_complete(app)


def test_two_permissions_for_a_route_are_refused() -> None:
    with pytest.raises(PermissionTableError, match="two permissions for GET /v1/fees"):
        Permissions([{("GET", "/v1/fees"): Permission()}])
