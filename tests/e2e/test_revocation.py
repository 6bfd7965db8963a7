"""A revocation takes effect in every API process within two seconds: real processes, both databases."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

import httpx
import jwt
import pytest

from tests.e2e.pipeline import Pipeline
from tests.e2e.waiting import eventually
from tests.ports import free_port
from tests.support.databases import TEMPLATE, new_database

pytestmark = pytest.mark.xdist_group("two API processes")

PASSWORD = "zephyr-quilt-mattress"
OTHER_PASSWORD = "walnut-harbour-trombone"
WITHIN_S = 2.0
REQUEST_S = 0.02
"""How often a test asks whether a token still works."""

Answer = dict[str, Any]


class TwoApis:
    """Two API processes on one database."""

    def __init__(
        self, pipeline: Pipeline, settings: Mapping[str, str], here: httpx.Client, there: httpx.Client
    ) -> None:
        self.pipeline = pipeline
        self._settings = settings
        self.here = here
        self.there = there

    def sign_in(self, username: str) -> Answer:
        body = {"username": username, "password": PASSWORD}
        answer = self.here.post("/v1/auth/register", json=body)
        if answer.status_code == httpx.codes.CONFLICT:
            answer = self.here.post("/v1/auth/login", json={"login": username, "password": PASSWORD})
        assert answer.is_success, answer.text
        tokens: Answer = answer.json()
        return tokens

    def command(self, *words: str) -> None:
        self.pipeline.run(*words, **self._settings)

    def seconds_until_refused(self, tokens: Answer) -> float:
        """Return how long the other process still accepts an access token."""
        began = time.monotonic()
        while self.there.get("/v1/account/sessions", headers=bearer(tokens)).status_code != httpx.codes.UNAUTHORIZED:
            assert time.monotonic() - began < 10 * WITHIN_S
            time.sleep(REQUEST_S)
        return time.monotonic() - began


def bearer(tokens: Answer) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


@pytest.fixture(scope="module", params=[pytest.param("sqlite", marks=pytest.mark.heavy), "postgresql"])
def apis(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoApis]:
    with ExitStack() as stack:
        settings: dict[str, str] = {}
        if request.param == "postgresql":
            server = request.getfixturevalue("postgres_server")
            settings = {"ASTRA_DATABASE_URL": stack.enter_context(new_database(server, TEMPLATE))}
        pipeline = stack.enter_context(Pipeline(tmp_path_factory.mktemp("apis"), workers=0, api=False))
        clients = []
        for name in ("here", "there"):
            port = free_port()
            pipeline.start(name, "api", **settings, ASTRA_API_PORT=str(port), ASTRA_RATE_LIMIT_FACTOR="1000")
            client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30)
            clients.append(stack.enter_context(client))
            eventually(partial(listens, pipeline, client), within_s=60, what="an API answers")
        yield TwoApis(pipeline, settings, *clients)


def listens(pipeline: Pipeline, client: httpx.Client) -> bool:
    pipeline.check()
    try:
        return client.get("/livez").is_success
    except httpx.TransportError:
        return False


def log_out(apis: TwoApis, tokens: Answer) -> httpx.Response:
    return apis.here.post("/v1/auth/logout", headers=bearer(tokens))


def log_out_everywhere(apis: TwoApis, tokens: Answer) -> httpx.Response:
    return apis.here.post("/v1/auth/logout-everywhere", headers=bearer(tokens))


def end_from_another_session(apis: TwoApis, tokens: Answer) -> httpx.Response:
    other = apis.sign_in("alice")
    return apis.here.delete(f"/v1/account/sessions/{tokens['session_id']}", headers=bearer(other))


def reuse_the_refresh_token(apis: TwoApis, tokens: Answer) -> httpx.Response:
    body = {"refresh_token": tokens["refresh_token"]}
    assert apis.here.post("/v1/auth/refresh", json=body).is_success
    return apis.here.post("/v1/auth/refresh", json=body)


@pytest.mark.parametrize("end", [log_out, log_out_everywhere, end_from_another_session, reuse_the_refresh_token])
@pytest.mark.sample(2)
def test_a_revocation_reaches_every_api_process_within_two_seconds(
    apis: TwoApis, end: Callable[[TwoApis, Answer], httpx.Response], record_property: Callable[[str, object], None]
) -> None:
    tokens = apis.sign_in("alice")
    assert apis.there.get("/v1/account/sessions", headers=bearer(tokens)).is_success, (
        "the other process knows the token"
    )
    answer = end(apis, tokens)
    assert answer.status_code in {httpx.codes.NO_CONTENT, httpx.codes.UNAUTHORIZED}
    seconds = apis.seconds_until_refused(tokens)
    record_property("seconds", round(seconds, 3))
    assert seconds < WITHIN_S


def test_a_new_password_ends_the_sessions_in_every_process(apis: TwoApis) -> None:
    mine, thief = apis.sign_in("carol"), apis.sign_in("carol")
    assert apis.there.get("/v1/account/sessions", headers=bearer(thief)).is_success
    body = {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}
    assert apis.here.put("/v1/account/password", json=body, headers=bearer(mine)).status_code == httpx.codes.NO_CONTENT
    assert apis.seconds_until_refused(thief) < WITHIN_S
    assert apis.there.get("/v1/account/sessions", headers=bearer(mine)).is_success


@pytest.mark.parametrize("change", [("suspend", "--reason", "a test"), ("role", "venue")], ids=["suspend", "role"])
@pytest.mark.sample(1)
def test_a_suspension_and_a_new_role_reach_every_process_within_two_seconds(
    apis: TwoApis, change: tuple[str, ...]
) -> None:
    word, *more = change
    tokens = apis.sign_in(f"erin-{word}")
    assert apis.there.get("/v1/account/sessions", headers=bearer(tokens)).is_success
    apis.command("accounts", word, f"erin-{word}", *more)
    assert apis.seconds_until_refused(tokens) < WITHIN_S
    assert apis.here.post("/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]}).status_code == 401


def test_a_rotated_key_signs_what_every_process_accepts(apis: TwoApis) -> None:
    def key_of(tokens: Answer) -> str:
        kid: str = jwt.get_unverified_header(tokens["access_token"])["kid"]
        return kid

    before = apis.sign_in("dave")
    apis.command("keys", "rotate")
    seen = before

    def rotated() -> bool:
        nonlocal seen
        seen = apis.here.post("/v1/auth/refresh", json={"refresh_token": seen["refresh_token"]}).json()
        assert apis.there.get("/v1/account/sessions", headers=bearer(seen)).is_success
        return key_of(seen) != key_of(before)

    eventually(rotated, within_s=40, what="the new key signs")
    assert apis.there.get("/v1/account/sessions", headers=bearer(before)).is_success
    published = [key["kid"] for key in apis.there.get("/.well-known/jwks.json").json()["keys"]]
    assert {key_of(before), key_of(seen)} <= set(published)
