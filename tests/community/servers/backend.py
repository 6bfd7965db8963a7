"""The backend of the real run: commands through the gateway, ticks through the clock, accounts through the outbox."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any, Self

from faust_redis.log import Record, TopicPartition
from faust_redis.log.forwarding import forward_all
from faust_redis.log.partitioner import partition_for

from api.identity import account_changes
from api.identity.store.database import IdentityStore
from deploy.broker import log_of
from deploy.run.clock import clock_topic
from deploy.run.relay import source_of
from streams import topics
from streams.clock import Clock
from streams.events import Event, encode
from streams.events.clock import ticked
from streams.ids import uuid7
from streams.times import Instant
from tables.reader import TableReader
from tests.community.behaviour.accounts import PASSWORD
from tests.community.behaviour.acts import ORACLE, VENUE, AccountAct, Act, Reported
from tests.community.behaviour.view import SEEN, View
from tests.community.cluster_run import CONTRACT, event_of
from tests.community.journal import ACCOUNTS, PRICE, TICK, Entry
from tests.community.servers.client import Answer, Client, Request, each
from tests.community.servers.faults import Faults
from tests.community.servers.growth import Growth
from tests.community.servers.installation import Installation
from tests.community.servers.quiet import APP_ID, Quiet
from tests.community.servers.routes import ROLES, body_of, fields_of, route_of

ACCEPTED, UNAUTHENTICATED, INVALID = 202, 401, 422
KEY = "Idempotency-Key"
WRONG_FIRST = 0.01
"""The share of commands that are sent without a valid token first, and then with an unknown field."""
SENT_AGAIN = 0.01
"""The share of commands that are sent once more after they were accepted. The answer must be the same."""
ACTOR = "operator:community"
FILLS_MAX = 500


class ServerBackend:
    """Carries out what people do on an installation. Open it with `async with`.

    Attributes:
        journal: What was accepted.
        steps: For each step, the length of the journal at its end.
        faults: What disturbs steps of commands and fills, if anything.
        growth: What gives the topics more partitions in a step of commands, if anything.
        refused: How many commands the gateway refused, by name and status.
    """

    def __init__(self, installation: Installation, seed: int) -> None:
        self.journal: list[Entry] = []
        self.steps: list[int] = []
        self.faults: Faults | None = None
        self.growth: Growth | None = None
        self.refused: dict[str, int] = {}
        self._installation = installation
        self._seed = seed
        self._random = Random(f"chain {seed}")
        self._settings = installation.settings
        self._client = Client(installation.url)
        self._tokens: dict[str, str] = {}
        self._sessions: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._numbers: dict[str, int] = {}
        self._seen: dict[TopicPartition, int] = {}
        self._keys = 0

    async def __aenter__(self) -> Self:
        settings = self._settings
        self.log = log_of(settings, transit="community")
        self.tables = TableReader(self.log, APP_ID)
        self.quiet = Quiet(self.log, self._installation.check)
        self._store = IdentityStore(settings.identity_url)
        self._outbox = source_of(self._store)
        clock = self._installation.clock
        self._clock = Clock(self.log, clock_topic(settings), lambda: Instant(clock.now()))
        await self._clock.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._client.close()
        await self._store.close()
        await self.log.close()

    # --- steps --------------------------------------------------------------------------------------------------------

    async def tick(self, at: int) -> None:
        self._installation.clock.set(at)
        await self._clock.lead()
        await forward_all(self.log.forwarders())
        self._note(TICK, "", at, ticked(Instant(at)).id, {})
        await self._end_step()

    async def accounts(self, at: int, acts: Sequence[AccountAct]) -> list[Entry]:
        await each(acts, self._account)
        await self.quiet.relayed(self._outbox)
        await self.quiet.wait()  # on several brokers the relay forwards what it has published
        entries = [self._note(*found) for found in await self._published()]
        await self._end_step()
        return entries

    async def price(self, at: int, market: str, price: str) -> None:
        body = {"prices": [{"market": market, "price": price}]}
        answer = await self._client.send(self._request("POST", "/v1/prices", ORACLE, "service", body))
        self._require(answer, ACCEPTED)
        self._note(PRICE, ORACLE, at, answer.json["events"][0]["event_id"], {"market": market, "price": price})
        await self._end_step()

    async def commands(self, at: int, acts: Sequence[Act]) -> None:
        if not acts:
            return
        self._installation.clock.set(at)
        self._disturb()
        if self.growth is not None:
            self.growth.disturb(self.log, len(acts))
        answers = await each(acts, self._send)
        for act, answer in zip(acts, answers, strict=True):
            if answer.status != ACCEPTED:
                name = f"{act.name} {answer.status}"
                self.refused[name] = self.refused.get(name, 0) + 1
                continue
            self.note_command(act, at, answer.json)
        await self._end_step()

    async def fills(self, at: int, fills: Sequence[Reported]) -> None:
        self._disturb()
        for first in range(0, len(fills), FILLS_MAX):
            some = fills[first : first + FILLS_MAX]
            answer = await self._client.send(self.request_of_fills(some))
            self._require(answer, ACCEPTED)
            self.note_fills(some, answer.json)
        await self._end_step()

    async def chain(self, at: int, events: Sequence[Act]) -> None:
        if not events:
            return
        count = (await self.log.topic(topics.CHAIN_EVENTS)).spec.partitions
        for act in events:
            entry = self._note(act.name, "", at, uuid7(at // 1000, self._random.randbytes(10)), act.data)
            event = Event.first(event_of(entry), event_id=entry.id, time=Instant(at), key=CONTRACT, rules_version=None)
            key = CONTRACT.encode()
            record = Record(topics.CHAIN_EVENTS, partition_for(key, count), key, encode(event), at // 1000)
            await self.log.append([record])
        await forward_all(self.log.forwarders())
        await self._end_step()

    async def view(self) -> View:
        found = await self.tables.rows_of([spec.name for spec in SEEN])
        return View({name: {row.key: row.value for row in rows.rows} for name, rows in found.items()})

    # --- requests, and what was accepted of them ----------------------------------------------------------------------

    def request_of(self, act: Act) -> Request:
        """Return the request of a command, under an idempotency key of its own."""
        route = route_of(act)
        path, role = route.path.format(**act.data), ROLES.get(act.user, "user")
        return self._request(route.method, path, act.user, role, body_of(act, route))

    def request_of_fills(self, fills: Sequence[Reported]) -> Request:
        """Return the request of a batch of fills."""
        body = {"fills": [{**fill.data, "executed_at": Instant(fill.at).text()} for fill in fills]}
        return self._request("POST", "/v1/fills", VENUE, "venue", body)

    def note_command(self, act: Act, at: int, answer: dict[str, Any]) -> Entry:
        """Note a command that was accepted with an answer."""
        event = answer if "event_id" in answer else answer["events"][0]
        return self._note(act.name, act.user, at, event["event_id"], fields_of(act, route_of(act), answer))

    def note_fills(self, fills: Sequence[Reported], answer: dict[str, Any]) -> None:
        """Note fills that were accepted with an answer."""
        for fill, event in zip(fills, answer["events"], strict=True):
            self._note("ReportFill", VENUE, fill.at, event["event_id"], {**fill.data, "venue": VENUE})

    # --- inside -------------------------------------------------------------------------------------------------------

    def _disturb(self) -> None:
        if self.faults is not None:
            self.faults.disturb()

    async def _end_step(self) -> None:
        self.steps.append(len(self.journal))
        if self.faults is not None:
            await self.faults.settle()
        if self.growth is not None and await self.growth.settle(len(self.journal)):
            for topic in await self.log.topics():
                await self.log.topic(topic, fresh=True)
            await self._clock.open()
        await self.quiet.wait()

    async def _send(self, act: Act) -> Answer:
        """Send a command. A few are sent wrong first, and a few once more under their idempotency key."""
        careless, request = self._random.random(), self.request_of(act)
        if self.growth is not None:
            await self.growth.moment()
        if careless < WRONG_FIRST:
            refused = await self._client.send(replace(request, token=request.token[:-4], headers={}))
            self._require(refused, UNAUTHENTICATED)
            if request.body is not None:
                wrong = replace(request, body={**request.body, "unknown": 1}, headers={})
                refused = await self._client.send(replace(wrong, headers=_with_reason(request)))
                self._require(refused, INVALID, UNAUTHENTICATED)
        answer = await self._client.send(request)
        if careless > 1 - SENT_AGAIN and answer.status == ACCEPTED:
            again = await self._client.send(request)
            grows = self.growth is not None and self.growth.runs  # then it may name the new partition of the key
            if again != answer and not (grows and _events_of(again) == _events_of(answer)):
                raise AssertionError(f"{request} was answered {answer}, and then {again}")
        return answer

    def _request(self, method: str, path: str, user: str, role: str, body: Any) -> Request:
        self._keys += 1
        headers = {KEY: f"community-{self._seed}-{self._keys}"}
        if role == "moderator":
            headers["X-Audit-Reason"] = "a decision of the community's moderator"
        return Request(method, path, self._token(user, role), body, headers)

    def _token(self, user: str, role: str) -> str:
        if user not in self._tokens:
            self._tokens[user] = self._installation.token(role, user)
        return self._tokens[user]

    async def _account(self, act: AccountAct) -> None:
        store, now, moderator = self._store, Instant(self._installation.clock.now()), self._token
        match act.kind:
            case "register" | "login":
                await self._sign_in(act)
            case "logout":
                if (session := self._sessions.pop(act.user, None)) is not None:
                    token = self._installation.token("user", act.user, session)
                    await self._client.send(Request("POST", "/v1/auth/logout", token))
            case "privacy":
                body = {"private": act.more["private"]}
                await self._client.send(Request("PUT", "/v1/account/privacy", self._token(act.user, "user"), body))
            case "verify":
                body = {"tier": act.more["tier"], "reason": "papers of the community's people"}
                path, token = f"/v1/users/{act.user}/verification", moderator("moderator-1", "moderator")
                self._require(await self._client.send(Request("PUT", path, token, body)), 200)
            case "suspend":
                async with store.work(now) as work:
                    await account_changes.suspend(work, act.user, actor=ACTOR, reason="community")
                self._sessions.pop(act.user, None)
            case "reinstate":
                async with store.work(now) as work:
                    await account_changes.reinstate(work, act.user, actor=ACTOR, reason="community")
                self._tokens.pop(act.user, None)
            case "close":
                async with store.work(now) as work:
                    await account_changes.close(work, act.user, actor=ACTOR, reason="community")
                self._sessions.pop(act.user, None)

    async def _sign_in(self, act: AccountAct) -> None:
        name = act.user if act.kind == "register" else self._names[act.user]
        number = self._numbers.setdefault(name, len(self._numbers))
        headers = {"X-Forwarded-For": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"}
        if act.kind == "register":
            body = {"username": name, "password": PASSWORD}
            answer = await self._client.send(Request("POST", "/v1/auth/register", "", body, headers))
            self._require(answer, 201)
        else:
            body = {"login": name, "password": PASSWORD}
            answer = await self._client.send(Request("POST", "/v1/auth/login", "", body, headers))
            self._require(answer, 200)
        self._sessions[answer.json["user_id"]] = answer.json["session_id"]
        self._names[answer.json["user_id"]] = name

    async def _published(self) -> list[tuple[str, str, int, str, dict[str, Any]]]:
        """Return what the outbox has published since the last time: name, user, time, id and data of each event."""
        ends = await self.log.end_offsets(topics.USER_EVENTS)
        found = []
        for partition, end in sorted(ends.items()):
            tp = TopicPartition(topics.USER_EVENTS, partition)
            while (offset := self._seen.get(tp, 0)) < end:
                records = (await self.log.fetch({tp: offset})).get(tp, [])
                found += [one for record in records if (one := _account_event(record.value)) is not None]
                self._seen[tp] = records[-1].offset + 1
        return found

    def _note(self, name: str, user: str, at: int, event_id: str, data: dict[str, Any]) -> Entry:
        entry = Entry(number=len(self.journal), at=at, name=name, user=user, id=event_id, data=data)
        self.journal.append(entry)
        return entry

    def _require(self, answer: Answer, *statuses: int) -> None:
        if answer.status not in statuses:
            raise AssertionError(f"expected {statuses}, got {answer.status}: {answer.json}")


def _events_of(answer: Answer) -> tuple[int, list[str]]:
    """Return the status of an answer and the ids of its events, without their places."""
    events = answer.json.get("events", [answer.json])
    return answer.status, [event.get("event_id") for event in events]


def _with_reason(request: Request) -> dict[str, str]:
    return {name: value for name, value in request.headers.items() if name != KEY}


def _account_event(value: bytes | None) -> tuple[str, str, int, str, dict[str, Any]] | None:
    event = json.loads(value or b"{}")
    name = event["type"].split(".")[2]
    if name not in ACCOUNTS:
        return None
    return name, event["partitionkey"], int(Instant.parse(event["time"])), event["id"], event["data"]
