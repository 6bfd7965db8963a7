"""An API whose user of the broker lacks a command answers 503, and its log names the command."""

from __future__ import annotations

import secrets
from dataclasses import replace

import httpx
import pytest

from api.app import create_app
from api.config import ApiConfig
from deploy.broker_acl import RUNTIME_COMMANDS
from tests.integration.api.support import Worker, fill
from tests.integration.api.test_ingress import VENUE, assert_problem


@pytest.mark.parametrize(("lacking", "request_"), [
    ("xadd", ("POST", "/v1/fills")),
    ("hgetall", ("GET", "/v1/fees")),
])  # fmt: skip
async def test_a_command_that_the_user_lacks_is_named_in_the_log_and_answered_503(
    config: ApiConfig, worker: Worker, lacking: str, request_: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    user, password = f"lacks-{lacking}", secrets.token_hex(16)
    commands = [f"+{command}" for command in RUNTIME_COMMANDS]
    app = create_app(replace(config, log_url=f"{config.log_url.replace('://', f'://{user}:{password}@')}"))
    transport = httpx.ASGITransport(app)
    try:
        await worker.log.redis.acl_setuser(user, True, passwords=[f"+{password}"], keys=["*"], channels=["*"],
                                           commands=commands)  # fmt: skip
        async with (
            httpx.AsyncClient(transport=transport, base_url="http://api") as client,
            app.router.lifespan_context(app),
        ):
            await worker.log.redis.acl_setuser(user, True, commands=[f"-{lacking}"])
            method, path = request_
            body = {"fills": [fill()]} if method == "POST" else None
            answer = await client.request(method, path, headers=VENUE, json=body)
            assert_problem(answer, 503, "unavailable")
            assert lacking not in answer.text
    finally:
        await worker.log.redis.acl_deluser(user)
    told = [record.getMessage() for record in caplog.records]
    named = f"{method} {path}: the broker refuses this to its user: "
    assert any(message.startswith(named) and f"'{lacking}'" in message for message in told)
