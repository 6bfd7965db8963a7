"""A domain whose worker is stopped or killed answers its commands by their policies; other domains go on as before."""

import signal
from pathlib import Path

import httpx
import pytest

from tables.domains import TOPOLOGY
from tests.e2e.children import Child
from tests.e2e.pipeline import Pipeline
from tests.e2e.waiting import eventually
from tests.integration.api.support import fill

ORDER = {"market": "BTC", "side": "long", "notional_usd": "100.00", "leverage": 2}
OTHERS = tuple(name for name in TOPOLOGY.names if name != "trading")
NOTICED_S = 30.0


def start(pipeline: Pipeline, *, behind_max_s: int) -> Child:
    """Run trading in one process and the other domains in another; return the first, which has processed commands."""
    trading = pipeline.start_worker("trading")
    pipeline.start_worker(*OTHERS)
    pipeline.start_api(ASTRA_BEHIND_MAX_S=str(behind_max_s))
    pipeline.wait_until_ready()
    assert report(pipeline, 1).status_code == 202
    assert order(pipeline).status_code == 202
    return trading


def order(pipeline: Pipeline) -> httpx.Response:
    return pipeline.client("user", "ada").post("/v1/trades", json=ORDER)


def report(pipeline: Pipeline, number: int) -> httpx.Response:
    body = {"fills": [fill(number, user_id="ada")]}
    return pipeline.client("venue", "venue-1").post("/v1/fills", json=body)


def refused(pipeline: Pipeline) -> httpx.Response | None:
    """Send a price, so that something waits for trading. Return the refusal of an order, if it is refused."""
    prices = {"prices": [{"market": "BTC", "price": "60000"}]}
    assert pipeline.client("service", "pricer").post("/v1/prices", json=prices).status_code == 202
    answer = order(pipeline)
    assert answer.status_code in {202, 503}, answer.text
    return answer if answer.status_code == 503 else None


def assert_others_are_served(pipeline: Pipeline) -> None:
    admin = pipeline.client("admin", "auditor")
    for path in ("/v1/fees", "/v1/leaderboards/xp", "/v1/users/ada/positions", "/v1/pipeline"):
        assert admin.get(path).status_code == 200, path
    assert httpx.get(f"{pipeline.url}/readyz").status_code == 200


def assert_answered_by_policy(pipeline: Pipeline, answer: httpx.Response, why: str) -> None:
    document = answer.json()
    assert document["type"] == "/problems/domain-delayed"
    assert document["delayed"]["domain"] == "trading"
    assert document["delayed"]["why"] == why
    assert int(answer.headers["retry-after"]) > 0
    told = report(pipeline, 2)
    assert told.status_code == 202
    assert told.json()["delayed"]["domain"] == "trading"
    assert_others_are_served(pipeline)


def assert_recovers(pipeline: Pipeline) -> None:
    def accepted() -> bool:
        return order(pipeline).status_code == 202 and "delayed" not in report(pipeline, 3).json()

    eventually(accepted, within_s=NOTICED_S, what="orders are accepted again")
    position = report(pipeline, 4).json()["position"]
    read = pipeline.client("user", "ada").get("/v1/users/ada/positions", params={"after": position, "wait_ms": 20_000})
    assert read.status_code == 200


@pytest.mark.heavy
def test_a_paused_worker_that_counts_as_alive_delays_its_domain_alone_until_it_goes_on(tmp_path: Path) -> None:
    with Pipeline(tmp_path, workers=0, api=False, lease_ms=60_000) as pipeline:
        trading = start(pipeline, behind_max_s=2)
        trading.pause()
        answer = eventually(lambda: refused(pipeline), within_s=NOTICED_S, what="orders are refused")
        assert_answered_by_policy(pipeline, answer, "behind")
        trading.resume()
        assert_recovers(pipeline)


@pytest.mark.heavy
def test_a_worker_whose_lease_is_over_takes_down_its_domain_alone_until_it_goes_on_or_another_starts(
    tmp_path: Path,
) -> None:
    with Pipeline(tmp_path, workers=0, api=False) as pipeline:
        trading = start(pipeline, behind_max_s=600)
        trading.pause()
        answer = eventually(lambda: refused(pipeline), within_s=NOTICED_S, what="orders are refused")
        assert_answered_by_policy(pipeline, answer, "down")
        trading.resume()
        assert_recovers(pipeline)
        kill(trading)
        answer = eventually(lambda: refused(pipeline), within_s=NOTICED_S, what="orders are refused again")
        assert_answered_by_policy(pipeline, answer, "down")
        pipeline.start_worker("trading")
        assert_recovers(pipeline)


def kill(child: Child) -> None:
    child.ended_by_us = True
    child.popen.send_signal(signal.SIGKILL)
    child.popen.wait(10)
