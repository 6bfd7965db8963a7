"""A user of the API under faults: acts at random, and knows from the answers what must hold."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httpx

from tests.outbox.gateway import Gateway
from tests.outbox.ledger import Ledger, Order
from tests.outbox.operator import Operator

ATTEMPTS_MAX = 4
SESSIONS_MAX = 3
SENT_AGAIN_WITHIN_S = 60.0
REFUSED_WITHIN_S = 10.0
POLL_S = 0.1
SESSIONS_PATH = "/v1/account/sessions"


@dataclass(slots=True)
class Session:
    """An open session.

    Attributes:
        id: Its id.
        access: Its access token.
        refresh: Its refresh token; empty when an unanswered request may have used it.
        used: The refresh token before that one.
    """

    id: str
    access: str = field(repr=False)
    refresh: str = field(repr=False)
    used: str = field(default="", repr=False)


@dataclass(slots=True)
class Ended:
    """A session that was ended by a request that was answered. Once its token was refused, it must stay refused."""

    session: Session
    why: str
    refused: bool = False


@dataclass(slots=True)
class Access:
    """What a user reaches: the API, the operator, and the ledger of the run's orders."""

    gateway: Gateway
    operator: Operator
    ledger: Ledger


class User:
    """One user. `user_id` is empty until a registration was answered."""

    def __init__(self, name: str, address: str, access: Access, seed: str) -> None:
        self.name = name
        self.access = access
        self.user_id = ""
        self.private = {False}
        """The values that the privacy setting may have; more than one after an unanswered change."""
        self.passwords_changed = 0
        self.ended: list[Ended] = []
        self.sessions: list[Session] = []
        self._address = address
        self._choice = random.Random(f"{seed} {name}")
        self._passwords = [self._new_password()]
        self._registered = False

    def _new_password(self) -> str:
        return f"walnut harbour {self._choice.getrandbits(64):x}"

    async def act(self) -> None:
        """Send one request, or a few that belong together."""
        if not self.user_id:
            return await self._register()
        if not self.sessions or len(self._passwords) > 1:
            return await self._log_in()
        session = self._choice.choice(self.sessions)
        actions: dict[Callable[[Session], Awaitable[None]], float] = {
            self._trade: 8,
            self._set_privacy: 4,
            self._refresh: 2,
            self._list_sessions: 2,
            self._change_password: 1,
            self._log_out: 1.5,
            self._log_in_again: 1,
            self._use_an_ended_session: 2,
            self._be_suspended: 1,
        }
        [action] = self._choice.choices(list(actions), list(actions.values()))
        return await action(session)

    async def _send(self, method: str, path: str, session: Session | None = None, **more: Any) -> httpx.Response | None:
        token = session.access if session else ""
        answer = await self.access.gateway.send(method, path, address=self._address, token=token, **more)
        if answer is not None and session is not None and answer.status_code == HTTPStatus.UNAUTHORIZED:
            raise AssertionError(
                f"{method} {path}: the open session {session.id} of {self.name} was refused: {answer.text}"
            )
        return answer

    # --- signing in ---------------------------------------------------------------------------------------------------

    async def _register(self) -> None:
        body = {"username": self.name, "password": self._passwords[0]}
        answer = await self._send("POST", "/v1/auth/register", json=body)
        if answer is None:
            self._registered = True  # perhaps
        elif answer.status_code == HTTPStatus.CONFLICT and self._registered:
            await self._log_in()
        else:
            self._open(answer, HTTPStatus.CREATED)

    async def _log_in(self) -> None:
        """Sign in. Try both passwords after an unanswered change of it, which may show late."""
        for password in self._passwords * 2:
            answer = await self._send("POST", "/v1/auth/login", json={"login": self.name, "password": password})
            if answer is None:
                return
            if answer.status_code != HTTPStatus.UNAUTHORIZED:
                self._open(answer, HTTPStatus.OK)
                self._passwords = [password]
                return
        raise AssertionError(f"{self.name} cannot sign in: {len(self._passwords)} passwords are refused")

    async def _log_in_again(self, _: Session) -> None:
        if len(self.sessions) < SESSIONS_MAX:
            await self._log_in()

    def _open(self, answer: httpx.Response, status: HTTPStatus) -> None:
        assert answer.status_code == status, f"{self.name} signs in: {answer.status_code} {answer.text}"
        told = answer.json()
        assert self.user_id in {"", told["user_id"]}, f"{self.name} was {self.user_id} and is {told['user_id']}"
        self.user_id = told["user_id"]
        self.sessions.append(Session(told["session_id"], told["access_token"], told["refresh_token"]))

    async def _refresh(self, session: Session) -> None:
        if not session.refresh:
            return
        used, session.refresh = session.refresh, ""
        answer = await self._send("POST", "/v1/auth/refresh", json={"refresh_token": used})
        if answer is not None:
            assert answer.status_code == HTTPStatus.OK, f"{self.name} refreshes: {answer.status_code} {answer.text}"
            session.access, session.refresh = answer.json()["access_token"], answer.json()["refresh_token"]
            session.used = used

    async def _log_out(self, session: Session) -> None:
        answer = await self._send("POST", "/v1/auth/logout", session)
        self.sessions.remove(session)
        if answer is not None:
            assert answer.status_code == HTTPStatus.NO_CONTENT, answer.text
            self.ended.append(Ended(session, "logout"))

    async def _change_password(self, session: Session) -> None:
        new = self._new_password()
        body = {"current_password": self._passwords[0], "new_password": new}
        others = [each for each in self.sessions if each is not session]
        self.sessions = [session]
        answer = await self._send("PUT", "/v1/account/password", session, json=body)
        if answer is None:
            self._passwords.append(new)
            return
        assert answer.status_code == HTTPStatus.NO_CONTENT, f"{self.name}: {answer.status_code} {answer.text}"
        self._passwords = [new]
        self.passwords_changed += 1
        self.ended += [Ended(each, "password change") for each in others]

    async def _be_suspended(self, _: Session) -> None:
        """An operator suspends the account, and lifts the suspension again."""
        gone, self.sessions = self.sessions, []
        await self.access.operator.suspend(self.user_id)
        self.ended += [Ended(each, "suspension") for each in gone]
        for password in self._passwords:
            answer = await self._send("POST", "/v1/auth/login", json={"login": self.name, "password": password})
            if answer is not None:
                await self._only_read(answer)
        await self.access.operator.reinstate(self.user_id)

    async def _only_read(self, answer: httpx.Response) -> None:
        """Send a command with the session of a suspended account, which is refused, and end the session."""
        assert answer.status_code == HTTPStatus.OK, f"{self.name} is suspended and signs in: {answer.text}"
        told = answer.json()
        session = Session(told["session_id"], told["access_token"], told["refresh_token"])
        refused = await self._send("PUT", "/v1/account/privacy", session, json={"private": True})
        assert refused is None or refused.status_code == HTTPStatus.FORBIDDEN, f"{self.name} is suspended: {refused}"
        await self._send("POST", "/v1/auth/logout", session)

    # --- what a session may do ----------------------------------------------------------------------------------------

    async def _trade(self, session: Session) -> None:
        order = self.access.ledger.new_order(self.user_id)
        for _ in range(ATTEMPTS_MAX):
            if await self._place(order, session):
                return

    async def _place(self, order: Order, session: Session) -> bool:
        losses = self.access.ledger.losses
        key = {"Idempotency-Key": order.key}
        answer = await self._send("POST", "/v1/trades", session, json=order.body, headers=key)
        if answer is None:
            return False
        assert answer.status_code == HTTPStatus.ACCEPTED, f"{order}: {answer.status_code} {answer.text}"
        self.access.ledger.answered(order, answer.json(), losses)
        return True

    async def _set_privacy(self, session: Session) -> None:
        private = self._choice.random() < 0.5
        answer = await self._send("PUT", "/v1/account/privacy", session, json={"private": private})
        self.private = self.private | {private} if answer is None else {private}
        assert answer is None or answer.status_code == HTTPStatus.OK, answer.text

    async def _list_sessions(self, session: Session) -> None:
        answer = await self._send("GET", SESSIONS_PATH, session)
        if answer is not None:
            listed = {each["id"] for each in answer.json()["sessions"]}
            missing = {each.id for each in self.sessions} - listed
            assert not missing, f"{self.name} misses the open sessions {missing}"

    async def _use_an_ended_session(self, _: Session) -> None:
        if self.ended:
            await self._is_refused(self._choice.choice(self.ended))

    async def _is_refused(self, ended: Ended) -> bool:
        """Return whether the token of an ended session is refused now. It must be if it ever was."""
        answer = await self.access.gateway.send("GET", SESSIONS_PATH, address=self._address, token=ended.session.access)
        if answer is None:
            return False
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            ended.refused = True
            return True
        assert not ended.refused, f"the session {ended.session.id} ({ended.why}) was refused and is accepted again"
        return False

    # --- the end ------------------------------------------------------------------------------------------------------

    async def place_again(self) -> None:
        """Send all orders again, as a client does that kept them when the broker lost them."""
        assert self.sessions
        deadline = time.monotonic() + SENT_AGAIN_WITHIN_S
        for order in self.access.ledger.sent:
            while order.user_id == self.user_id and not await self._place(order, self.sessions[0]):
                assert time.monotonic() < deadline, f"{order} is not accepted again"

    async def verify(self) -> None:
        """Fail unless the API treats all tokens and passwords as its answers said. It must be up."""
        for session in [session for session in self.sessions if session.used][:1]:
            await self._refuses_refresh(session.used)
            self.sessions.remove(session)
            self.ended.append(Ended(session, "reuse of a refresh token"))
        deadline = time.monotonic() + REFUSED_WITHIN_S
        for ended in self.ended:
            while not await self._is_refused(ended):
                assert time.monotonic() < deadline, f"the token of {ended.session.id} is accepted after {ended.why}"
                await asyncio.sleep(POLL_S)
            await self._refuses_refresh(ended.session.refresh)
        for session in self.sessions:
            await self._list_sessions(session)
        if not self.sessions or self.passwords_changed:
            await self._log_in()

    async def _refuses_refresh(self, token: str) -> None:
        if token:
            answer = await self._send("POST", "/v1/auth/refresh", json={"refresh_token": token})
            refused = answer is not None and answer.status_code == HTTPStatus.UNAUTHORIZED
            assert refused, f"a refresh token of {self.name} that is void was answered with {answer}"
