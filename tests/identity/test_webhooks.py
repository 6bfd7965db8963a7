"""Webhooks on both databases: subscribe, deliver signed and once, retry, give up, replay; and who may see what."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from aiohttp import web
from faust_redis.log import Record
from faust_redis.log.partitioner import partition_for
from faust_redis.resizing import ByKey, Resize

from api.auth import Role
from api.identity import account_changes as changes
from api.identity.accounts import create_account
from api.identity.secret import Seal
from api.identity.webhooks import may_see, sealed_name
from api.kit.clock import now
from api.kit.context import Api
from deploy.run.webhooks import webhook_store
from streams import topics as names
from streams.connect.webhooks.guard import GuardedTransport, check_url
from streams.connect.webhooks.reader import Reader
from streams.connect.webhooks.schedule import PAUSES_S
from streams.connect.webhooks.sender import REST_MAX_S, Sender
from streams.connect.webhooks.service import LEAD_S, WebhookService
from streams.connect.webhooks.store import Webhook
from streams.events import AnyEvent, Event, decode, encode
from streams.events.trading import TradeExecuted, TradingResumed
from streams.ids import new_id
from streams.times import SECOND_US
from tests.identity.signing_in import actions
from tests.integration.api.support import Worker, auth
from tests.integration.api.test_ingress import assert_problem
from tests.ports import free_port
from tests.support.tokens import SECRET

EXECUTED, RESUMED = "astra.trading.TradeExecuted.v1", "astra.trading.TradingResumed.v1"
PATH = "/v1/account/webhooks"


@dataclass
class Receiver:
    """A partner's server, which answers with `status` and keeps what it got."""

    url: str = ""
    status: int = 204
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def events(self) -> list[AnyEvent]:
        return [decode(body) for _, body in self.got]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()

    async def hook(request: web.Request) -> web.Response:
        receiver.got.append(({name.lower(): value for name, value in request.headers.items()}, await request.read()))
        return web.Response(status=receiver.status)

    app = web.Application()
    app.router.add_post("/hook", hook)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    receiver.url = f"http://127.0.0.1:{port}/hook"
    yield receiver
    await runner.cleanup()


class Deliveries:
    """The process that delivers, with a clock that the test moves."""

    def __init__(self, api: Api, client: httpx.AsyncClient) -> None:
        self.now_us = int(now())
        self._api, self._client = api, client
        self.service = self.another("one")

    def another(self, holder: str) -> WebhookService:
        store, seal = webhook_store(self._api.store), Seal(SECRET)

        def secret_of(webhook: Webhook) -> str:
            return seal.open(webhook.sealed_secret, sealed_name(webhook.id)).decode()

        reader = Reader(self._api.log, store, may_see, lambda: self.now_us)
        sender = Sender(store, self._client, secret_of, lambda: self.now_us)
        return WebhookService(store, reader, sender, holder, lambda: self.now_us)

    async def rounds(self, service: WebhookService | None = None) -> None:
        while await (service or self.service).round():
            pass

    async def later(self, seconds: int) -> None:
        self.now_us += seconds * SECOND_US
        await self.rounds()


@pytest.fixture
async def deliveries(api: Api, topics: None) -> AsyncIterator[Deliveries]:
    async with httpx.AsyncClient(transport=GuardedTransport(private=True)) as client:
        yield Deliveries(api, client)


@pytest.fixture
async def allowed(api: Api) -> None:
    """Let webhooks use the loopback address."""
    object.__setattr__(api.config, "webhooks_private", True)


async def partner(api: Api, name: str = "venue-1", role: Role = Role.VENUE) -> dict[str, str]:
    """Create an account; return the headers of its session."""
    async with api.store.work(now()) as work:
        await create_account(work, username=name, role=role, account_id=name)
    return auth(name, role)


async def subscribed(client: httpx.AsyncClient, headers: dict[str, str], url: str, *types: str) -> dict[str, Any]:
    answer = await client.post(PATH, json={"url": url, "types": list(types)}, headers=headers)
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


def executed(venue: str = "venue-1", user: str = "ada") -> AnyEvent:
    fill = TradeExecuted.of(
        {
            "trade_id": "t-1", "fill_id": "f-1", "venue": venue, "market": "BTC", "side": "buy", "mode": "live",
            "price": "50000", "size": "0.02", "notional_usd": "1000.00", "fee_usd": "1.50", "closed_pnl_usd": "0",
            "closes": False,
        }
    )  # fmt: skip
    return Event.first(fill, event_id=new_id(now()), time=now(), key=user, rules_version=1)


async def emit(api: Api, *events: AnyEvent) -> None:
    await Worker(api.log, api.config.app_id).emit(names.TRADING_EVENTS, *events)


async def test_a_venue_gets_the_events_of_its_own_fills_signed_and_once(
    api: Api, client: httpx.AsyncClient, deliveries: Deliveries, receiver: Receiver, allowed: None
) -> None:
    venue = await partner(api)
    await emit(api, executed())
    created = await subscribed(client, venue, receiver.url, EXECUTED)
    await deliveries.rounds()
    own, foreign = executed(), executed(venue="venue-2")
    await emit(api, own, foreign)
    await deliveries.rounds()
    await deliveries.rounds()
    assert receiver.events == [own]
    [(headers, body)] = receiver.got
    signed = f"{own.id}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(created["secret"].removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert (headers["webhook-id"], headers["webhook-signature"]) == (own.id, f"v1,{expected}")
    assert headers["content-type"] == "application/cloudevents+json"
    listed = (await client.get(PATH, headers=venue)).json()["webhooks"]
    assert [one["id"] for one in listed] == [created["id"]]
    assert "secret" not in listed[0]
    assert "webhook.created" in await actions(api, "venue-1")


async def test_a_receiver_that_fails_is_tried_again_with_pauses_then_given_up_and_replayed(
    api: Api, client: httpx.AsyncClient, deliveries: Deliveries, receiver: Receiver, allowed: None
) -> None:
    venue = await partner(api)
    hook = f"{PATH}/{(await subscribed(client, venue, receiver.url, EXECUTED))['id']}"
    await deliveries.rounds()
    receiver.status = 500
    own = executed()
    await emit(api, own)
    await deliveries.rounds()
    assert len(receiver.got) == 1
    await deliveries.later(PAUSES_S[0] - 1)
    assert len(receiver.got) == 1
    for attempts, pause_s in enumerate(PAUSES_S, start=2):
        await deliveries.later(pause_s + REST_MAX_S)
        assert len(receiver.got) == attempts
    await deliveries.later(10 * PAUSES_S[-1])
    assert len(receiver.got) == len(PAUSES_S) + 1
    [letter] = (await client.get(f"{hook}/given-up", headers=venue)).json()["events"]
    assert (letter["event_id"], letter["last_error"]) == (own.id, "HTTP 500")
    [listed] = (await client.get(PATH, headers=venue)).json()["webhooks"]
    assert (listed["waiting"], listed["given_up"]) == (0, 1)
    receiver.status = 200
    assert_problem(await client.post(f"{hook}/given-up/{new_id(now())}/replay", headers=venue), 404, "not-found")
    replayed = await client.post(f"{hook}/given-up/{own.id}/replay", headers=venue)
    assert replayed.json() == {"replayed": 1}
    await deliveries.later(REST_MAX_S)
    assert {event.id for event in receiver.events} == {own.id}
    assert (await client.post(f"{hook}/replay", headers=venue)).json() == {"replayed": 0}
    assert (await client.get(f"{hook}/given-up", headers=venue)).json() == {"events": []}


@pytest.mark.usefixtures("allowed")
async def test_events_and_the_position_behind_them_are_kept_together(
    api: Api,
    client: httpx.AsyncClient,
    deliveries: Deliveries,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await subscribed(client, await partner(api), receiver.url, EXECUTED)
    await deliveries.rounds()
    own = executed()
    await emit(api, own)
    broken = deliveries.another("one")
    monkeypatch.setattr(broken._store, "_move", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        await broken.round()
    await deliveries.rounds()
    assert receiver.events == [own]


async def test_one_process_delivers_and_another_takes_over_when_it_is_silent(
    api: Api, client: httpx.AsyncClient, deliveries: Deliveries, receiver: Receiver, allowed: None
) -> None:
    await subscribed(client, await partner(api), receiver.url, EXECUTED)
    second = deliveries.another("two")
    await deliveries.rounds()
    await second.round()
    assert (deliveries.service.leads, second.leads) == (True, False)
    await emit(api, executed())
    await deliveries.rounds(second)
    assert receiver.got == []
    deliveries.now_us += (LEAD_S + 1) * SECOND_US
    await deliveries.rounds(second)
    assert len(receiver.got) == 1


async def test_a_flushed_log_is_read_from_its_beginning(
    api: Api, client: httpx.AsyncClient, deliveries: Deliveries, receiver: Receiver, allowed: None
) -> None:
    await subscribed(client, await partner(api), receiver.url, EXECUTED)
    await emit(api, executed())
    await deliveries.rounds()
    keys = [key async for key in api.log.redis.scan_iter(f"{api.log.keys.prefix}*")]
    await api.log.redis.delete(*keys)
    await Worker(api.log, api.config.app_id).create_topics()
    own = executed()
    await emit(api, own)
    await deliveries.rounds()
    assert receiver.events == [own]


async def test_a_service_sees_all_events_and_a_suspended_account_none(
    api: Api, client: httpx.AsyncClient, deliveries: Deliveries, receiver: Receiver, allowed: None
) -> None:
    service = await partner(api, "service-1", Role.SERVICE)
    await subscribed(client, service, receiver.url, EXECUTED, RESUMED)
    await deliveries.rounds()
    resumed: AnyEvent = Event.first(TradingResumed(), event_id=new_id(now()), time=now(), key="ada", rules_version=1)
    await emit(api, executed(), resumed)
    await deliveries.rounds()
    assert {event.type for event in receiver.events} == {EXECUTED, RESUMED}
    async with api.store.work(now()) as work:
        await changes.suspend(work, "service-1", actor="admin-1", reason="a test of webhooks")
    await emit(api, executed())
    await deliveries.rounds()
    assert len(receiver.got) == 2


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"url": "http://partner.example/x", "types": [EXECUTED]}, "#/url"),
        ({"url": "https://u:p@partner.example/x", "types": [EXECUTED]}, "#/url"),
        ({"url": "ftp://partner.example", "types": [EXECUTED]}, "#/url"),
        ({"url": "https://partner.example/x", "types": [RESUMED]}, "#/types"),
        ({"url": "https://partner.example/x", "types": ["astra.nothing.v1"]}, "#/types"),
        ({"url": "https://partner.example/x", "types": []}, "#/types"),
        ({"url": "https://partner.example/x"}, "#/types"),
    ],
)
async def test_a_bad_subscription_is_refused_with_a_pointer(
    api: Api, client: httpx.AsyncClient, body: dict[str, Any], pointer: str
) -> None:
    venue = await partner(api)
    problem = assert_problem(await client.post(PATH, json=body, headers=venue), 422, "validation")
    assert [fault["pointer"] for fault in problem["errors"]] == [pointer]
    assert (await client.get(PATH, headers=venue)).json() == {"webhooks": []}


async def test_webhooks_belong_to_their_owner_are_limited_and_end(
    api: Api, client: httpx.AsyncClient, deliveries: Deliveries, receiver: Receiver, allowed: None
) -> None:
    venue, other = await partner(api), await partner(api, "venue-2")
    hook = f"{PATH}/{(await subscribed(client, venue, receiver.url, EXECUTED))['id']}"
    for method, path in (("DELETE", hook), ("GET", f"{hook}/given-up"), ("POST", f"{hook}/replay")):
        assert_problem(await client.request(method, path, headers=other), 404, "not-found")
    for _ in range(9):
        await subscribed(client, venue, receiver.url, EXECUTED)
    full = await client.post(PATH, json={"url": receiver.url, "types": [EXECUTED]}, headers=venue)
    assert_problem(full, 409, "limit-reached")
    await deliveries.rounds()
    await emit(api, executed())
    for one in (await client.get(PATH, headers=venue)).json()["webhooks"]:
        assert (await client.delete(f"{PATH}/{one['id']}", headers=venue)).status_code == 204
    await deliveries.rounds()
    assert receiver.got == []


async def test_no_address_inside_of_the_network_is_reached(receiver: Receiver) -> None:
    async with httpx.AsyncClient(transport=GuardedTransport(private=False)) as client:
        with pytest.raises(httpx.ConnectError, match="not public"):
            await client.post(receiver.url)
        with pytest.raises(httpx.ConnectError, match="not public"):
            await client.post("http://[::ffff:127.0.0.1]/hook")
    assert receiver.got == []
    with pytest.raises(ValueError, match="https://partner"):
        check_url("https://", private=True)


async def test_events_in_partitions_that_are_new_are_posted_too_and_none_twice(
    api: Api, client: httpx.AsyncClient, deliveries: Deliveries, receiver: Receiver, allowed: None
) -> None:
    venue, topic = await partner(api), names.TRADING_EVENTS
    await subscribed(client, venue, receiver.url, EXECUTED)
    await deliveries.rounds()
    before = executed()
    await emit(api, before)
    await deliveries.rounds()
    old = (await api.log.topic(topic)).spec.partitions
    await Resize(api.log, [topic], {}, ByKey()).run(4 * old)
    user = next(f"user-{n}" for n in range(100) if partition_for(b"user-%d" % n, 4 * old) >= old)
    after = executed(user=user)
    place = partition_for(user.encode(), 4 * old)
    await api.log.append([Record(topic, place, user.encode(), encode(after), 1)], counted=4 * old)
    await deliveries.rounds()
    await deliveries.rounds()
    assert receiver.events == [before, after]
