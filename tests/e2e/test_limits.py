"""Limits as clients meet them: two API processes share one bucket."""

from __future__ import annotations

import time
from pathlib import Path

import httpx

from api.auth import Role
from api.limits.policies import POLICIES, cost_of
from deploy.run.dev import api_answers
from tests.e2e.pipeline import Pipeline
from tests.e2e.waiting import eventually
from tests.integration.api.test_ingress import ORDER
from tests.ports import free_port

ORDER_UNITS = cost_of("POST", "/v1/trades", b"")
WITHOUT_WORKERS = {"ASTRA_BEHIND_MAX_S": "0"}
ACCOUNT = POLICIES[Role.USER]


def test_two_api_processes_share_one_bucket(tmp_path: Path) -> None:
    with Pipeline(tmp_path, workers=0, api=False) as pipeline:
        port = free_port()
        pipeline.start("first-api", "api", **WITHOUT_WORKERS)
        pipeline.start("second-api", "api", ASTRA_API_PORT=str(port), **WITHOUT_WORKERS)
        pipeline.wait_until_listening()
        second = f"http://127.0.0.1:{port}"
        eventually(lambda: api_answers(second), within_s=60, what="the second API answers")
        headers = {"Authorization": f"Bearer {pipeline.token('user', 'alice')}"}
        with (
            httpx.Client(base_url=pipeline.url, headers=headers) as one,
            httpx.Client(base_url=second, headers=headers) as two,
        ):
            began_s = time.monotonic()
            accepted = [0, 0]
            refused: set[int] = set()
            while len(refused) < 2:
                for number, client in enumerate((one, two)):
                    status = client.post("/v1/trades", json=ORDER).status_code
                    assert status in {202, 429}
                    accepted[number] += status == 202
                    if status == 429:
                        refused.add(number)
            seconds = time.monotonic() - began_s
        full = ACCOUNT.units // ORDER_UNITS
        refilled = seconds * ACCOUNT.units / ACCOUNT.window_s / ORDER_UNITS
        assert full - 1 <= sum(accepted) <= full + refilled
        assert min(accepted) > full // 4
