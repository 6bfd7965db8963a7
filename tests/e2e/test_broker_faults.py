"""Processes refuse an unfit broker and wait for an absent one; either way they say what is wrong."""

import asyncio
from pathlib import Path

import pytest
from faust_redis.log.keys import Keys
from faust_redis.log.partitioner import partition_for
from faust_redis.log.sharded import open_log

from streams import topics
from streams.topics import NAMESPACE
from tests.e2e.children import Child
from tests.e2e.fills import fill, new_user
from tests.e2e.pipeline import Pipeline
from tests.e2e.waiting import eventually

NOTICE_S = 30.0
KEYS = Keys("astra")
PARTITIONS = 4


def user_of_another_partition(partition: int) -> str:
    """A new user whose fills go to another partition."""
    return next(user for user in iter(new_user, "") if partition_for(user.encode(), PARTITIONS) != partition)


def says(child: Child, words: str) -> None:
    eventually(lambda: words in child.output(), within_s=NOTICE_S, what=f"{child.name} says {words!r}")


def command(pipeline: Pipeline, *parts: str | bytes) -> None:
    """Run one command on the broker, as an operator or a stranger would."""

    async def give() -> None:
        log = open_log(pipeline.broker_url, NAMESPACE)
        await log.at_once(parts)
        await log.close()

    asyncio.run(give())


@pytest.mark.heavy
def test_a_broker_that_may_evict_is_refused_at_start_by_worker_and_api(tmp_path: Path) -> None:
    with Pipeline(tmp_path, workers=0, api=False) as pipeline:
        command(pipeline, "CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        for child in (pipeline.start_worker(), pipeline.start_api()):
            says(child, "noeviction")
            child.ended_by_us = True
            eventually(lambda child=child: child.exit_code, within_s=NOTICE_S, what=f"{child.name} gives up")  # type: ignore[misc]


def test_a_broker_that_is_away_at_start_is_waited_for(tmp_path: Path) -> None:
    with Pipeline(tmp_path, workers=0, api=False) as pipeline:
        pipeline.kill_server()
        worker, api = pipeline.start_worker(), pipeline.start_api()
        says(worker, "broker")
        says(api, "broker")
        assert not pipeline.is_ready()
        assert (worker.exit_code, api.exit_code) == (None, None)
        pipeline.restart_server()
        pipeline.wait_until_ready()
        user = new_user()
        accepted = pipeline.client("venue", "venue-1").post("/v1/fills", json={"fills": [fill(user)]})
        after = {"after": accepted.json()["position"]}
        assert pipeline.client("admin", "a").get(f"/v1/users/{user}/progress", params=after).json()["xp"] == 65


@pytest.mark.heavy
def test_a_worker_that_waits_for_its_broker_ends_cleanly_on_request(tmp_path: Path) -> None:
    with Pipeline(tmp_path, workers=0, api=False) as pipeline:
        pipeline.kill_server()
        worker = pipeline.start_worker()
        says(worker, "broker")
        assert worker.stop()
        assert worker.exit_code == 0, worker.last_words()


def test_while_the_broker_is_away_the_api_says_unavailable_and_afterwards_works_again(tmp_path: Path) -> None:
    with Pipeline(tmp_path, workers=1) as pipeline:
        client = pipeline.client("venue", "venue-1")
        body = {"fills": [fill(new_user())]}
        assert client.post("/v1/fills", json=body).status_code == 202
        pipeline.kill_server()
        refused = client.post("/v1/fills", json=body)
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) >= 1
        assert not pipeline.is_ready()
        pipeline.restart_server()
        pipeline.wait_until_ready()
        assert client.post("/v1/fills", json=body).status_code == 202


@pytest.mark.heavy
def test_a_stream_that_something_else_wrote_to_holds_back_its_partition_alone(tmp_path: Path) -> None:
    with Pipeline(tmp_path, workers=1) as pipeline:
        client, user = pipeline.client("venue", "venue-1"), new_user()
        place = client.post("/v1/fills", json={"fills": [fill(user)]}).json()["events"][0]
        stream = KEYS.stream(topics.TRADING_COMMANDS, place["partition"])
        command(pipeline, "XADD", stream, "*", "k", user, "v", "{}")
        refused = client.post("/v1/fills", json={"fills": [fill(user)]})
        assert refused.status_code >= 500
        says(pipeline.workers[0], "is held back at offset")
        says(pipeline.workers[0], "Something else wrote to it")
        eventually(lambda: not pipeline.is_ready(), within_s=NOTICE_S, what="the pipeline is not ready")

        other = user_of_another_partition(place["partition"])
        posted = client.post("/v1/fills", json={"fills": [fill(other)]}).json()
        reader = pipeline.client("admin", "auditor")
        progress = reader.get(f"/v1/users/{other}/progress", params={"after": posted["position"]})
        assert progress.json()["trades"] == 1, "the other partitions go on"
        assert pipeline.workers[0].exit_code is None


@pytest.mark.heavy
def test_a_broker_that_was_emptied_is_noticed_and_what_it_held_is_not_served(tmp_path: Path) -> None:
    with Pipeline(tmp_path, workers=1) as pipeline:
        client, user = pipeline.client("venue", "venue-1"), new_user()
        reader = pipeline.client("admin", "auditor")
        after = client.post("/v1/fills", json={"fills": [fill(user)]}).json()["position"]
        assert reader.get(f"/v1/users/{user}/progress", params={"after": after}).json()["xp"] == 65
        command(pipeline, "FLUSHALL")
        eventually(
            lambda: reader.get(f"/v1/users/{user}/progress").status_code in {404, 503},
            within_s=NOTICE_S,
            what="the old progress is not served",
        )
        eventually(
            lambda: client.post("/v1/fills", json={"fills": [fill(user)]}).status_code == 202,
            within_s=NOTICE_S,
            what="fills are accepted again",
        )

        def starts_over() -> bool:
            restart_if_it_gave_up(pipeline)
            return bool(reader.get(f"/v1/users/{user}/progress").json().get("trades") == 1)

        eventually(starts_over, within_s=2 * NOTICE_S, what="the user has only the one trade of the new log")


def restart_if_it_gave_up(pipeline: Pipeline) -> None:
    """Restart the worker if it ended, as every supervisor does.

    A worker may continue by itself, or end with an error that says what happened.
    """
    worker = pipeline.workers[-1]
    if worker.exit_code is not None:
        worker.ended_by_us = True
        pipeline.start_worker()
