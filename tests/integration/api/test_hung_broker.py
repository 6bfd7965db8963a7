"""A broker that takes connections and does not answer is given up after a bound, and used again when it goes on."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from faust_redis.log import Log, connection

from api.app import create_app
from api.config import ApiConfig
from tests.integration.api.sse import serving
from tests.integration.api.support import Worker
from tests.integration.api.test_ingress import ORDER, USER, assert_problem
from tests.integration.api.test_operation import Broker

BOUND_S = 0.5
CALLS_MAX = 4
"""The most calls to the broker that one of these requests makes, one after the other."""

SLACK_S = 3.0


async def test_a_broker_that_hangs_is_given_up_within_the_bound(
    tmp_path: Path, config: ApiConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Broker(tmp_path) as broker:
        async with Log(broker.url, config.namespace) as log:
            await Worker(log, config.app_id).create_topics()
        app = create_app(replace(config, log_url=broker.url))
        keyed = {**USER, "Idempotency-Key": "k"}
        async with serving(app) as (url, _), httpx.AsyncClient(base_url=url, timeout=60) as client:
            monkeypatch.setattr(connection, "REPLY_TIMEOUT_S", BOUND_S)
            os.kill(broker.server.pid, signal.SIGSTOP)
            try:
                for request in (
                    client.build_request("POST", "/v1/trades", json=ORDER, headers=keyed),
                    client.build_request("GET", "/v1/users/alice/portfolio", headers=USER),
                ):
                    began = time.monotonic()
                    assert_problem(await client.send(request), 503, "unavailable")
                    assert time.monotonic() - began < CALLS_MAX * BOUND_S + SLACK_S
            finally:
                os.kill(broker.server.pid, signal.SIGCONT)
            assert (await client.post("/v1/trades", json=ORDER, headers=keyed)).status_code == 202
