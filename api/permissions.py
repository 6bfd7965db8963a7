"""The permission table: who may call each route, and whose objects the route reaches.

`authorise` in `api.kit.callers` checks every request against it. An application with a route that has no permission
refuses to start. This module imports no route.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute

from api.auth import Principal, Role, unauthenticated
from api.kit.problems import FORBIDDEN, Problem

USER_ID = "user_id"
"""The parameter of a path that names the owner of the object."""
WEBSOCKET = "WEBSOCKET"
"""The method of WebSocket routes in the table."""


SUSPENDED: Final = (
    "this token is from the time of a suspension: it can read the account's own data and send no command; "
    "if the account was reinstated, refresh it"
)


class Scope(StrEnum):
    """What an API key may do."""

    FILLS_WRITE = "fills:write"
    PRICES_WRITE = "prices:write"
    MONEY_WRITE = "money:write"
    TRADE = "trade"
    WITHDRAW = "withdraw"
    READ_PRIVATE = "read:private"
    ACCOUNT = "account"


class KnowsParents(Protocol):
    """Knows whose sub-accounts there are."""

    def of(self, account_id: str) -> str | None:
        """Return the parent of a sub-account; None for any other account. It must not wait."""


@dataclass(frozen=True, slots=True)
class Permission:
    """Who may call a route.

    Attributes:
        roles: The roles that may call it; empty for a public route, which needs no token, and refuses a bad one.
        scope: The scope that an API key needs; None for a route that no API key may call. Public routes need none.
        owned: Whether the path names a user, who owns what the route reaches.
        foreign: The roles that may reach what another user owns.
        open: Whether the route is public and reads no token. So a client whose token has ended can sign in again.
        suspended: Whether a suspended account may call it, which can read its own data and end its sessions.
        audited: Whether the route may reach what belongs to any user, so that a moderator or admin gives a reason.
    """

    roles: frozenset[Role] = frozenset()
    scope: Scope | None = None
    owned: bool = False
    foreign: frozenset[Role] = frozenset()
    open: bool = False
    suspended: bool = False
    audited: bool = False

    def __post_init__(self) -> None:
        if self.open and self.roles:
            raise ValueError("a route that reads no token cannot ask for a role")

    @property
    def public(self) -> bool:
        """Return whether the route needs no token."""
        return not self.roles

    def check(self, caller: Principal | None, path: Mapping[str, str], parents: KnowsParents) -> None:
        """Refuse a caller who may not make the request. `path` has the parameters of the path.

        A user owns what belongs to the user's sub-accounts, too.

        Raises:
            Problem: 401 without a caller, 403 for a wrong role or scope, or for what another user owns.
        """
        if self.public:
            return
        if caller is None:
            raise unauthenticated("no bearer token was sent", error="")
        if caller.suspended and not self.suspended:
            raise Problem(FORBIDDEN, SUSPENDED)
        if caller.role not in self.roles:
            raise Problem(FORBIDDEN, f"this needs a token with the role {_any(self.roles)}; yours has {caller.role}")
        if caller.scopes is not None and self.scope not in caller.scopes:
            needed = f"an API key with the scope {self.scope}" if self.scope else "a session; no API key may do this"
            raise Problem(FORBIDDEN, f"this needs {needed}")
        if self.owned and path[USER_ID] != caller.subject and caller.role not in self.foreign:
            if parents.of(path[USER_ID]) == caller.subject:
                return
            owner = path[USER_ID][:64]
            raise Problem(
                FORBIDDEN, f"this belongs to {owner}; it needs their token, or one with the role {_any(self.foreign)}"
            )


SUB_ACCOUNT_SCOPES: Final = frozenset({Scope.TRADE, Scope.READ_PRIVATE})
"""All that keys of sub-accounts may do. A scope that is not named here, such as `withdraw`, is refused to them."""
EVERY_ROLE: Final = frozenset(Role)
STAFF: Final = frozenset({Role.ADMIN, Role.MODERATOR, Role.SERVICE})
"""The roles that may read what belongs to others. A moderator or admin has to give a reason."""

REVIEWERS: Final = frozenset({Role.ADMIN, Role.MODERATOR})

PUBLIC: Final = Permission()
OPEN: Final = Permission(open=True)
SESSION: Final = Permission(EVERY_ROLE)
"""The route changes how the caller signs in, so that no API key may call it."""
USER_SESSION: Final = Permission(frozenset({Role.USER}))
PARTNER_SESSION: Final = Permission(frozenset({Role.VENUE, Role.SERVICE, Role.ADMIN}))
"""The route is for those to whom events may be posted."""
ENDING_SESSIONS: Final = Permission(EVERY_ROLE, suspended=True)
"""The route lists or ends sessions of the caller."""
OWN: Final = Permission(EVERY_ROLE, Scope.READ_PRIVATE, suspended=True)
"""The route reaches only what the caller owns; no user is named."""
OWNED: Final = Permission(EVERY_ROLE, Scope.READ_PRIVATE, owned=True, foreign=STAFF, suspended=True)

REVIEW: Final = Permission(REVIEWERS, owned=True, foreign=REVIEWERS)
"""The route decides about what belongs to a user. The caller has to give a reason; no API key may call it."""
DECISION: Final = Permission(REVIEWERS)
"""The route decides about an account or a dead letter, with a reason in its body. No API key may call it."""
INSPECTION: Final = Permission(STAFF, audited=True)
"""The route shows events and rows of any user. No API key may call it."""


def only(role: Role, scope: Scope) -> Permission:
    """Return the permission of one role."""
    return Permission(frozenset({role}), scope)


Route = tuple[str, str]
"""A method and the template of a path."""

PERMISSIONS: Final[Mapping[Route, Permission]] = {
    # Commands
    ("POST", "/v1/trades"): only(Role.USER, Scope.TRADE),
    ("POST", "/v1/trades/{trade_id}/close"): only(Role.USER, Scope.TRADE),
    ("POST", "/v1/fills"): only(Role.VENUE, Scope.FILLS_WRITE),
    ("POST", "/v1/prices"): only(Role.SERVICE, Scope.PRICES_WRITE),
    ("POST", "/v1/deposits/requests"): only(Role.USER, Scope.ACCOUNT),
    ("POST", "/v1/deposits"): only(Role.SERVICE, Scope.MONEY_WRITE),
    ("POST", "/v1/withdrawals"): only(Role.USER, Scope.WITHDRAW),
    ("POST", "/v1/payouts"): only(Role.SERVICE, Scope.MONEY_WRITE),
    ("POST", "/v1/plan"): only(Role.USER, Scope.ACCOUNT),
    ("PUT", "/v1/plan"): only(Role.USER, Scope.ACCOUNT),
    ("DELETE", "/v1/plan"): only(Role.USER, Scope.ACCOUNT),
    # Decisions of moderators, each with a reason
    ("POST", "/v1/users/{user_id}/withdrawals/{withdrawal_id}/review"): REVIEW,
    ("GET", "/v1/withdrawal-reviews"): Permission(REVIEWERS),
    ("GET", "/v1/feed/withdrawal-reviews"): Permission(REVIEWERS),
    # What belongs to a user
    ("GET", "/v1/users/{user_id}/positions"): OWNED,
    ("GET", "/v1/users/{user_id}/portfolio"): OWNED,
    ("GET", "/v1/users/{user_id}/trades"): OWNED,
    ("POST", "/v1/feed/tickets"): OWN,
    ("GET", "/v1/users/{user_id}/balances"): OWNED,
    ("GET", "/v1/feed/balances"): OWN,
    ("GET", "/v1/feed/positions"): OWN,
    ("GET", "/v1/feed/portfolio"): OWN,
    ("GET", "/v1/leaderboards/{board}/friends"): OWN,
    ("GET", "/v1/feed/friends-board"): OWN,
    # Public data; users who are private appear without a name
    ("GET", "/v1/leaderboards/{board}"): PUBLIC,
    ("GET", "/v1/leaderboards/xp/constellations"): PUBLIC,
    ("GET", "/v1/leaderboards/xp/constellations/{constellation_id}"): PUBLIC,
    ("GET", "/v1/leaderboards/{board}/members/{constellation_id}"): PUBLIC,
    ("GET", "/v1/leaderboards/{board}/members/{constellation_id}/users/{user_id}"): PUBLIC,
    ("GET", "/v1/leaderboards/{board}/ranks"): PUBLIC,
    ("GET", "/v1/leaderboards/{board}/users/{user_id}"): PUBLIC,
    ("GET", "/v1/leaderboards/{board}/users/{user_id}/proof"): OWNED,
    ("GET", "/v1/fees"): PUBLIC,
    ("GET", "/v1/revenue"): PUBLIC,
    ("GET", "/v1/chain/fees"): PUBLIC,
    ("GET", "/v1/feed/chain-fees"): PUBLIC,
    ("GET", "/v1/feed/revenue"): PUBLIC,
    ("GET", "/v1/feed/boards"): PUBLIC,
    ("GET", "/v1/feed/members-board"): PUBLIC,
    ("GET", "/v1/feed/xp"): PUBLIC,
    ("GET", "/v1/feed/fees"): PUBLIC,
    ("GET", "/v1/feed/trades"): PUBLIC,
    ("GET", "/v1/stats"): PUBLIC,
    ("GET", "/v1/rules"): PUBLIC,
    # A socket calls the route of each feed that it opens, with the socket's token
    ("GET", "/v1/ws"): PUBLIC,
    (WEBSOCKET, "/v1/ws"): PUBLIC,
    # The caller's own account
    ("GET", "/v1/account/privacy"): Permission(EVERY_ROLE, Scope.ACCOUNT, suspended=True),
    ("PUT", "/v1/account/privacy"): Permission(EVERY_ROLE, Scope.ACCOUNT),
    # What staff decide about accounts
    ("PUT", "/v1/users/{user_id}/verification"): DECISION,
    ("POST", "/v1/users/{user_id}/suspend"): DECISION,
    ("POST", "/v1/users/{user_id}/reinstate"): DECISION,
    # Sign-in
    ("POST", "/v1/auth/register"): OPEN,
    ("POST", "/v1/auth/login"): OPEN,
    ("POST", "/v1/auth/refresh"): OPEN,
    ("POST", "/v1/auth/wallet/challenge"): OPEN,
    ("POST", "/v1/auth/wallet/login"): OPEN,
    ("POST", "/v1/auth/logout"): ENDING_SESSIONS,
    ("POST", "/v1/auth/logout-everywhere"): ENDING_SESSIONS,
    ("PUT", "/v1/account/password"): SESSION,
    ("GET", "/v1/account/sessions"): ENDING_SESSIONS,
    ("GET", "/v1/account/api-keys"): SESSION,
    ("POST", "/v1/account/api-keys"): SESSION,
    ("DELETE", "/v1/account/api-keys/{key_id}"): SESSION,
    ("GET", "/v1/account/sub-accounts"): USER_SESSION,
    ("POST", "/v1/account/sub-accounts"): USER_SESSION,
    ("DELETE", "/v1/account/sub-accounts/{sub_account_id}"): USER_SESSION,
    ("GET", "/v1/account/sub-accounts/{sub_account_id}/api-keys"): USER_SESSION,
    ("POST", "/v1/account/sub-accounts/{sub_account_id}/api-keys"): USER_SESSION,
    ("DELETE", "/v1/account/sub-accounts/{sub_account_id}/api-keys/{key_id}"): USER_SESSION,
    ("DELETE", "/v1/account/sessions/{session_id}"): ENDING_SESSIONS,
    ("GET", "/v1/account/webhooks"): PARTNER_SESSION,
    ("POST", "/v1/account/webhooks"): PARTNER_SESSION,
    ("DELETE", "/v1/account/webhooks/{webhook_id}"): PARTNER_SESSION,
    ("GET", "/v1/account/webhooks/{webhook_id}/given-up"): PARTNER_SESSION,
    ("POST", "/v1/account/webhooks/{webhook_id}/given-up/{event_id}/replay"): PARTNER_SESSION,
    ("POST", "/v1/account/webhooks/{webhook_id}/replay"): PARTNER_SESSION,
    ("GET", "/v1/account/wallets"): SESSION,
    ("POST", "/v1/account/wallets/challenge"): SESSION,
    ("POST", "/v1/account/wallets"): SESSION,
    ("POST", "/v1/account/wallets/{chain_id}/{address}/unlink"): SESSION,
    ("GET", "/.well-known/jwks.json"): OPEN,
    # Operation and pages
    ("GET", "/v1/pipeline"): Permission(STAFF),
    ("GET", "/v1/pipeline/topology"): Permission(STAFF),
    ("GET", "/v1/dead-letters"): Permission(STAFF),
    ("GET", "/v1/dead-letters/{letter_id}"): INSPECTION,
    ("POST", "/v1/dead-letters/{letter_id}/replay"): DECISION,
    ("POST", "/v1/dead-letters/{letter_id}/drop"): DECISION,
    ("GET", "/v1/trace"): INSPECTION,
    ("GET", "/v1/tables/{table}/why"): INSPECTION,
    ("GET", "/v1/tables/{table}/row"): INSPECTION,
    ("GET", "/v1/services"): Permission(STAFF),
    ("GET", "/livez"): OPEN,
    ("GET", "/healthz"): OPEN,
    ("GET", "/readyz"): OPEN,
    ("GET", "/openapi.json"): OPEN,
    ("GET", "/docs"): OPEN,
    ("GET", "/"): OPEN,
    ("GET", "/boards"): OPEN,
    ("GET", "/community"): OPEN,
    ("GET", "/money"): OPEN,
    ("GET", "/pipeline"): OPEN,
    ("GET", "/player"): OPEN,
    ("GET", "/account"): OPEN,
    ("GET", "/page/{name}"): OPEN,
    ("GET", "/page-settings"): OPEN,
    ("GET", "/problems/{name}"): OPEN,
}


def scopes_of(role: Role) -> frozenset[Scope]:
    """Return the scopes that keys of accounts with a role may have: those of the routes that the role may call."""
    return frozenset(
        permission.scope for permission in PERMISSIONS.values() if permission.scope and role in permission.roles
    )


class PermissionTableError(Exception):
    """The routes of an application and the permission table differ."""


class Permissions:
    """The permissions of one application: the table of this module, and what further domains declare."""

    def __init__(self, more: Iterable[Mapping[Route, Permission]] = ()) -> None:
        """Join the tables.

        Raises:
            PermissionTableError: when two of them have an entry for one route.
        """
        self._table = dict(PERMISSIONS)
        for table in more:
            if repeated := self._table.keys() & table.keys():
                raise PermissionTableError(f"two permissions for {_listed(repeated)}")
            self._table.update(table)
        closed = {path for (_, path), permission in self._table.items() if not permission.open}
        opened = {path for _, path in self._table} - closed
        self._open = frozenset(opened)
        below = {path.partition("{")[0] for path in opened if "{" in path}
        self._open_below = tuple(start for start in below if not any(path.startswith(start) for path in closed))

    def ignores_tokens(self, path: str) -> bool:
        """Return whether the routes at a path, as a client sends it, are all open. Every request asks."""
        return path in self._open or path.startswith(self._open_below)

    def of(self, method: str, path: str) -> Permission:
        """Return the permission of a route, by its method and the template of its path. HEAD counts as GET.

        Raises:
            PermissionTableError: when there is none; `check_complete` has refused such an application.
        """
        found = self._table.get(("GET" if method == "HEAD" else method, path))
        if found is None:
            raise PermissionTableError(f"there is no permission for {method} {path}")
        return found

    def check_complete(self, app: FastAPI) -> None:
        """Refuse an application whose routes and permissions differ.

        Raises:
            PermissionTableError: naming routes without a permission, or permissions without a route.
        """
        routes = set(routes_of(app.routes))
        if missing := routes - self._table.keys():
            raise PermissionTableError(f"add a permission to api/permissions.py for {_listed(missing)}")
        if unused := self._table.keys() - routes:
            raise PermissionTableError(f"api/permissions.py has a permission without a route: {_listed(unused)}")


def routes_of(routes: Sequence[BaseRoute]) -> list[Route]:
    """Return the method and the path's template of each route, without HEAD.

    The index of the routes has no path of its own, and is left out.
    """
    found: list[Route] = []
    for context in iter_route_contexts(routes):
        if context.path is not None:
            methods = context.methods or {WEBSOCKET}
            found += [(method, context.path) for method in sorted(methods) if method != "HEAD"]
    return found


def _listed(routes: Iterable[Route]) -> str:
    return ", ".join(f"{method} {path}" for method, path in sorted(routes))


def _any(roles: Iterable[Role]) -> str:
    return " or ".join(sorted(roles))
