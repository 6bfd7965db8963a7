"""All services of compose.yaml: brought up, used, broken, restarted, looked at and removed, in this order."""

# ruff: noqa: T201 - it says what it measured

from __future__ import annotations

import hashlib
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest
import yaml

from tables.domains import TOPOLOGY
from tests.compose import VARIABLE
from tests.compose.installation import PROMETHEUS, Installation, read, until
from tests.compose.people import People
from tests.compose.store import spans_of
from tests.e2e.feed import Subscriber
from tests.e2e.fills import fill
from tests.observe.monitoring import OBSERVE
from tests.observe.rules import JOBS
from tests.tracing.traced import CLIENT_SPAN, FEED, TRACE, USER, Event, by_id, events_of

pytestmark = pytest.mark.usefixtures("installation")

PROCESSES = {job: len(TOPOLOGY.names) if job == "worker" else 1 for job in JOBS}
ENDED = {"secrets", "migrations", "contracts"}
SETTLED_S = 300.0
CLOCK = ("clock",)
"""The packaged fills are of past years: a clock of the present would make them late."""
RESTART_S = 60.0
FEED_S = 30.0
SECRETS = ("broker-password", "database-password", "secret")


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    """Bring all up; remove it at the end."""
    project = os.environ.get(VARIABLE)
    if project is None:
        pytest.skip("brings up 23 containers; runs by python -m tests.compose")
    made = Installation(project, chain=True, ASTRA_TRACE_SAMPLE="1")
    try:
        print(f"\nleft out: {', '.join(made.left_out) or 'nothing'}")
        print(f"ready after {made.up(without=CLOCK):.0f} s")
        yield made
    finally:
        if made.remains():
            made.down("--volumes")


@pytest.fixture(scope="module")
def people(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> People:
    return People(installation, tmp_path_factory.mktemp("people"))


def test_the_packaged_fills_give_what_the_oracle_computes(people: People) -> None:
    people.replay_sample()
    print(f"{people.assert_equals_the_oracle()} facts equal the oracle's")


def test_a_killed_worker_comes_back_and_counts_what_came_meanwhile(installation: Installation, people: People) -> None:
    killed = installation.containers()["gamification"]["State"]["Pid"]
    os.kill(killed, signal.SIGKILL)
    began = time.monotonic()
    people.send_more()

    def back() -> bool:
        state = installation.containers()["gamification"]["State"]
        return bool(state["Running"]) and state["Pid"] not in (0, killed)

    until(back, "the worker is back", RESTART_S)
    print(f"the worker was back within {time.monotonic() - began:.0f} s")
    print(f"{people.assert_equals_the_oracle()} facts equal the oracle's")


def test_down_and_up_keep_secrets_and_data(installation: Installation, people: People) -> None:
    before = secrets_of(installation)
    installation.down()
    print(f"ready again after {installation.up(without=CLOCK):.0f} s")
    assert secrets_of(installation) == before
    print(f"{people.assert_equals_the_oracle()} facts equal the oracle's, read with the same tokens")


def test_fees_are_settled_on_the_devnet_to_the_unit(installation: Installation) -> None:
    if "devnet" in installation.left_out:
        pytest.skip("there is no devnet here, as the command said")
    took_s = until(all_are_confirmed, "all batches are confirmed", SETTLED_S)
    report = installation.astratrade("audit", "chain", service="settlement")
    assert "0 differences" in report, report
    print(f"all batches were confirmed after {took_s:.0f} s\n{report}")


def all_are_confirmed() -> bool:
    """Return whether the chain has confirmed the last batch of fees, and there is one."""
    closed, confirmed = (value_of(f"astra_settlement_{which}_batch") for which in ("closed", "confirmed"))
    return closed == confirmed > 0


def value_of(metric: str) -> float:
    """Return a metric as Prometheus has it; -1 while it has none."""
    found = read(f"{PROMETHEUS}/api/v1/query?query={metric}")["data"]["result"]
    return float(found[0]["value"][1]) if found else -1.0


def secrets_of(installation: Installation) -> list[str]:
    """Return a digest of each secret."""
    texts = (installation.compose("exec", "-T", "gateway", "cat", f"/secrets/{name}") for name in SECRETS)
    return [hashlib.sha256(text.encode()).hexdigest() for text in texts]


def test_one_command_brings_up_all_services_and_each_is_healthy(installation: Installation) -> None:
    installation.up()
    until(
        lambda: running(installation) == {*installation.services()} - ENDED,
        "all run, and those that only prepare ended",
    )
    containers = {name: each for name, each in installation.containers().items() if each["State"]["Running"]}
    checked = sorted(name for name, each in containers.items() if each["Config"].get("Healthcheck"))
    assert {*checked} == {*TOPOLOGY.names, *PROCESSES} - {"worker"} | {"broker", "broker-replica", "database"}
    for name in checked:
        until(partial(installation.is_healthy, name), f"{name} is healthy")
    print(f"{len(checked)} containers are healthy\n{installation.memory()}")


def running(installation: Installation) -> set[str]:
    """Return the services whose container runs."""
    return {name for name, each in installation.containers().items() if each["State"]["Running"]}


def test_prometheus_scrapes_all_processes_and_has_the_rules_and_the_alertmanager() -> None:
    def scraped() -> bool:
        targets = read(f"{PROMETHEUS}/api/v1/targets")["data"]["activeTargets"]
        up = [target["labels"]["job"] for target in targets if target["health"] == "up"]
        return {job: up.count(job) for job in PROCESSES} == PROCESSES

    until(scraped, "Prometheus scrapes all processes")
    files = [yaml.safe_load(path.read_text("utf-8")) for path in (OBSERVE / "rules").glob("*.yaml")]
    wanted = sum(len(group["rules"]) for file in files for group in file["groups"])
    groups = read(f"{PROMETHEUS}/api/v1/rules")["data"]["groups"]
    assert sum(len(group["rules"]) for group in groups) == wanted
    known = read(f"{PROMETHEUS}/api/v1/alertmanagers")["data"]["activeAlertmanagers"]
    assert [each["url"] for each in known] == ["http://alertmanager:9093/api/v2/alerts"]
    assert read("http://127.0.0.1:9093/api/v2/status")["config"]["original"]
    print(f"{sum(PROCESSES.values())} processes scraped, {wanted} rules loaded")


def test_the_store_has_the_tree_of_a_fill_which_is_on_the_replica_too(
    installation: Installation, people: People
) -> None:
    if "jaeger" in installation.left_out:
        pytest.skip("there is no Jaeger here, as the command said")
    event_id = report_a_fill(people)
    until(is_stored, "the store has the trace from the request to the feed")
    events = tree(installation, event_id)
    spans = by_id(spans_of(TRACE))
    sends = {name: span for name, span in spans.items() if span.kind == "PRODUCER"}
    assert {name: span.links[0][1] if span.links else "" for name, span in sends.items()} == {
        event.span_id: event.cause for event in events
    }
    assert [span.name for span in spans.values() if span.parent_id == CLIENT_SPAN] == ["POST /v1/fills"]
    print(f"the store has {len(spans)} spans of {len(events)} events")
    assert tree(installation, event_id, at="broker-replica") == events


def is_stored() -> bool:
    """Return whether the store has the delivery to the feed, and the parent of each span."""
    spans = spans_of(TRACE)
    known = {CLIENT_SPAN, *(span.span_id for span in spans)}
    return {f"deliver {FEED}"} <= {span.name for span in spans} and {span.parent_id for span in spans} <= known


def report_a_fill(people: People) -> str:
    """Report a traced fill while its user follows a feed; return the id of its event."""
    with people.client("user", USER) as user, people.client("venue", "venue-1") as venue:
        feed = Subscriber(user, f"/v1/feed/{FEED}", lambda row: str(row["event_id"]))
        listening = threading.Thread(target=feed.follow, args=(20, lambda: bool(feed.table)))
        listening.start()
        until(lambda: feed.current, "the feed is open", FEED_S)
        traced = {"traceparent": f"00-{TRACE}-{CLIENT_SPAN}-00"}
        answer = venue.post("/v1/fills", json={"fills": [fill(USER)]}, headers=traced).raise_for_status()
        listening.join(FEED_S)
        assert feed.table
    return str(answer.json()["events"][0]["event_id"])


def tree(installation: Installation, event_id: str, at: str = "broker") -> list[Event]:
    """Return the events of a chain as a broker has them, in the order of their tree."""
    url = f"$(sed s/@broker:/@{at}:/ /secrets/broker-url)"
    script = f'ASTRA_BROKER_URL="{url}" exec astratrade trace {event_id} --format json'
    answer = installation.compose("exec", "-T", "gateway", "env", "-u", "ASTRA_BROKER_URL_FILE", "sh", "-c", script)
    return events_of(json.loads(answer))


def test_down_leaves_no_container_volume_or_network(installation: Installation) -> None:
    mounted = {
        mount["Name"] for each in installation.containers().values() for mount in each["Mounts"] if "Name" in mount
    }
    installation.down("--volumes")
    assert installation.remains() == []
    assert not mounted & {*installation.builder.run("volume", "ls", "--format", "{{.Name}}").stdout.split()}
