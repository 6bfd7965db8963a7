"""How the client repeats requests and renews tokens, against a transport that answers as the test says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import httpx
import orjson
import pytest
from astratrade_client import (
    AstraTrade,
    ProblemError,
    Retry,
    SignInAgainError,
    UnexpectedAnswerError,
    UnreachableError,
)
from astratrade_client.credentials import SignedIn
from astratrade_client.models import SignedInAnswer

Answer = Callable[[httpx.Request], httpx.Response]
FAST = Retry(first_s=0.001, max_s=0.002, patience_s=5)
ACCEPTED = {"topic": "t", "position": "p", "event_id": "e", "partition": 0, "offset": 1}


def problem(status: int, kind: str = "some-kind", **headers: str) -> httpx.Response:
    document = {
        "type": f"/problems/{kind}",
        "title": "T",
        "status": status,
        "detail": "D",
        "instance": "/",
        "errors": [],
    }
    return httpx.Response(status, content=orjson.dumps(document), headers=headers)


class Api:
    """Answers requests in turn and keeps them."""

    def __init__(self, *answers: httpx.Response | Exception | dict[str, Any]) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        await asyncio.sleep(0)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    def client(self, retry: Retry = FAST, **options: Any) -> AstraTrade:
        return AstraTrade("http://api", retry=retry, http=httpx.MockTransport(self), **options)


def tokens(n: int, expires_in: float = 600) -> dict[str, Any]:
    return {"access_token": f"a{n}", "token_type": "Bearer", "expires_in": expires_in, "refresh_token": f"r{n}"}


@pytest.mark.parametrize("failure", [
    httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), problem(429), problem(503), problem(502), problem(504),
], ids=str)  # fmt: skip
async def test_a_command_is_repeated_under_the_same_key(failure: httpx.Response | Exception) -> None:
    api = Api(failure, failure, ACCEPTED)
    async with api.client(token="t") as client:
        assert (await client.close_trade("t-1"))["event_id"] == "e"
    keys = {request.headers["Idempotency-Key"] for request in api.requests}
    assert (len(api.requests), len(keys)) == (3, 1)
    assert {request.headers["Authorization"] for request in api.requests} == {"Bearer t"}


async def test_commands_have_keys_of_their_own_or_the_callers() -> None:
    api = Api(ACCEPTED, ACCEPTED, ACCEPTED)
    async with api.client() as client:
        await client.close_trade("t-1")
        await client.close_trade("t-1")
        await client.close_trade("t-1", idempotency_key="mine")
    first, second, third = (request.headers["Idempotency-Key"] for request in api.requests)
    assert first != second
    assert third == "mine"
    assert "Authorization" not in api.requests[0].headers


async def test_a_retry_after_is_respected() -> None:
    api = Api(problem(429, **{"Retry-After": "1"}), ACCEPTED)
    clock = asyncio.get_running_loop().time
    begun = clock()
    async with api.client() as client:
        await client.close_trade("t-1")
    assert clock() - begun >= 1.0


async def test_a_client_gives_up_when_its_patience_ends() -> None:
    impatient = Retry(first_s=0.001, max_s=0.001, patience_s=0.02)
    async with Api(*[httpx.ConnectError("refused")] * 100).client(impatient) as client:
        with pytest.raises(UnreachableError, match="refused"):
            await client.get("/v1/fees")
    async with Api(problem(503, **{"Retry-After": "60"})).client(impatient) as client:
        with pytest.raises(ProblemError) as refused:
            await client.get("/v1/fees")
    assert refused.value.retry_after_s == 60


@pytest.mark.parametrize(("answer", "kind"), [
    (problem(403, "forbidden"), "forbidden"), (problem(422, "validation"), "validation"),
    (problem(504, "not-yet-visible"), "not-yet-visible"), (httpx.Response(500, text="<html>"), "blank"),
])  # fmt: skip
async def test_a_refusal_is_raised_with_its_document_and_not_repeated(answer: httpx.Response, kind: str) -> None:
    api = Api(answer)
    async with api.client(token="t") as client:
        with pytest.raises(ProblemError) as refused:
            await client.get("/v1/fees")
    assert refused.value.status == answer.status_code
    assert refused.value.kind.endswith(kind)


async def test_an_answer_that_is_none_of_the_apis_is_an_error() -> None:
    async with Api(httpx.Response(200, text="<html>")).client() as client:
        with pytest.raises(UnexpectedAnswerError):
            await client.get("/v1/fees")


# --- tokens -----------------------------------------------------------------------------------------------------------


async def test_signing_in_sends_the_password_once_and_then_the_token() -> None:
    api = Api(tokens(1), {}, {})
    async with api.client() as client:
        await client.login("ada", "correct horse")
        await client.get("/v1/fees")
        await client.logout()
    login, query, logout = api.requests
    assert (login.url.path, orjson.loads(login.content)) == (
        "/v1/auth/login", {"login": "ada", "password": "correct horse"},
    )  # fmt: skip
    assert query.headers["Authorization"] == "Bearer a1"
    assert (logout.url.path, logout.headers["Authorization"]) == ("/v1/auth/logout", "Bearer a1")


async def test_a_login_without_answer_is_not_repeated() -> None:
    api = Api(httpx.ReadTimeout("slow"))
    async with api.client() as client:
        with pytest.raises(UnreachableError):
            await client.login("ada", "correct horse")


async def test_a_token_is_refreshed_before_it_expires_and_once_for_all_requests() -> None:
    api = Api(tokens(1, expires_in=0), tokens(2), {}, {}, {})
    async with api.client() as client:
        await client.login("ada", "correct horse")
        await asyncio.gather(*(client.get("/v1/fees") for _ in range(3)))
    assert [request.url.path for request in api.requests].count("/v1/auth/refresh") == 1
    assert {request.headers["Authorization"] for request in api.requests[2:]} == {"Bearer a2"}


async def test_a_refused_token_is_refreshed_once() -> None:
    refusal = problem(401, "unauthenticated")
    api = Api(tokens(1), refusal, tokens(2), {}, refusal, tokens(3), refusal)
    async with api.client() as client:
        await client.login("ada", "correct horse")
        await client.get("/v1/fees")
        assert api.requests[-1].headers["Authorization"] == "Bearer a2"
        with pytest.raises(ProblemError) as refused:
            await client.get("/v1/fees")
    assert refused.value.status == 401
    assert not api.answers


async def test_a_refused_password_or_proof_is_sent_once() -> None:
    api = Api(tokens(1), problem(401, "sign-in-failed"))
    async with api.client() as client:
        await client.login("ada", "correct horse")
        with pytest.raises(ProblemError) as refused:
            await client._http.call("POST", "/v1/account/wallets", repeat=False, json={"current_password": "wrong"})
    assert refused.value.kind == "sign-in-failed"
    assert [request.url.path for request in api.requests] == ["/v1/auth/login", "/v1/account/wallets"]


def expiring(failure: httpx.Response | Exception, *answers: Any) -> Api:
    """Return an API that signs a client in with a token that is due for a refresh, which fails."""
    return Api(tokens(1, expires_in=0.2), failure, *answers)


async def sign_in(client: AstraTrade) -> SignedIn:
    await client.login("ada", "correct horse")
    credentials = client._http.credentials
    assert isinstance(credentials, SignedIn)
    credentials._renew_at_s = 0
    return credentials


@pytest.mark.parametrize("failure", [
    httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), problem(429), problem(503), problem(502), problem(401),
], ids=str)  # fmt: skip
async def test_a_refresh_that_fails_fails_no_request_while_the_token_is_valid(
    failure: httpx.Response | Exception,
) -> None:
    api = expiring(failure, {}, {})
    async with api.client() as client:
        await sign_in(client)
        await client.get("/v1/fees")
        await client.get("/v1/fees")
    assert [request.headers.get("Authorization") for request in api.requests[2:]] == ["Bearer a1", "Bearer a1"]


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ReadTimeout("slow"),
        httpx.ReadError("lost"),
        problem(502),
        problem(503),
        problem(504),
        problem(401, "sign-in-failed"),
    ],
    ids=str,
)
async def test_a_refresh_token_that_may_have_been_used_is_not_sent_again(failure: httpx.Response | Exception) -> None:
    api = expiring(failure)
    async with api.client() as client:
        credentials = await sign_in(client)
        assert await credentials.token() == "a1"
        credentials._expires_at_s = 0
        with pytest.raises(SignInAgainError, match="sign in again"):
            await client.get("/v1/fees")
    assert [request.url.path for request in api.requests] == ["/v1/auth/login", "/v1/auth/refresh"]


@pytest.mark.parametrize("failure", [httpx.ConnectError("refused"), problem(429)], ids=str)
async def test_a_refresh_token_that_was_not_used_is_sent_again(failure: httpx.Response | Exception) -> None:
    api = expiring(failure, tokens(2), {})
    async with api.client() as client:
        credentials = await sign_in(client)
        assert await credentials.token() == "a1"
        credentials._renew_at_s = credentials._expires_at_s = 0
        await client.get("/v1/fees")
    assert api.requests[-1].headers["Authorization"] == "Bearer a2"


async def test_a_request_that_is_cancelled_during_a_refresh_loses_no_tokens() -> None:
    answered = asyncio.Event()

    async def refresh(_refresh_token: str) -> SignedInAnswer:
        await answered.wait()
        return cast("SignedInAnswer", tokens(2))

    credentials = SignedIn(cast("SignedInAnswer", tokens(1, expires_in=0)), refresh)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(credentials.token(), 0.01)
    answered.set()
    assert await credentials.token() == "a2"


async def test_a_ready_token_that_is_refused_is_an_error_at_once() -> None:
    api = Api(problem(401))
    async with api.client(api_key="k") as client:
        with pytest.raises(ProblemError):
            await client.get("/v1/fees")
    assert api.requests[0].headers["Authorization"] == "Bearer k"
