"""Pods are deleted, drained and killed under load, and the product serves what the oracle computes."""

import time
from collections.abc import Callable

import pytest

from tests.cluster import RELEASE
from tests.cluster.files import NODE
from tests.cluster.pauses import Pauses
from tests.cluster.product import Product
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.timeout(1_200)

FILLS, RATE = 1_500, 25
READY_S = 240.0
PAUSE_MAX_S = 10.0
"""A pod takes longer to start, so the partition went to another worker."""


def pause(seconds: float) -> None:
    """Let the load go on."""
    time.sleep(seconds)


def load(product: Product) -> tuple[str, ...]:
    return ("--rate", str(RATE), "--batch", "5")


def wait_until_ready(product: Product) -> None:
    """Wait until all workloads have all their pods, which must be ready."""

    def look() -> bool:
        workloads = product.kube.get("deployments,statefulsets")["items"]
        return all(one["status"].get("readyReplicas", 0) == one["spec"]["replicas"] for one in workloads)

    eventually(look, within_s=READY_S, what="all pods are ready")


def test_a_deleted_worker_pod_comes_back_and_nothing_is_lost(product: Product, say: Callable[[str], None]) -> None:
    with Pauses(product.broker_url) as pauses, product.replaying(product.more_fills(FILLS), *load(product)):
        pause(8)
        product.kube.run("delete", "pod", f"{RELEASE}-trading-0", "--wait=false")
        pause(25)
        product.kube.run("delete", "pod", f"{RELEASE}-gamification-1", "--grace-period=0", "--force")
    wait_until_ready(product)
    assert max(pauses.longest.values()) < PAUSE_MAX_S, pauses.summary()
    say(f"{pauses.summary()}; {product.assert_equals_the_oracle()} facts equal")


def test_the_killed_broker_comes_back_with_its_file_and_nothing_is_lost(
    product: Product, say: Callable[[str], None]
) -> None:
    with Pauses(product.broker_url) as pauses, product.replaying(product.more_fills(FILLS), *load(product)):
        pause(8)
        product.kube.run("delete", "pod", "valkey-0", "--grace-period=0", "--force")
    wait_until_ready(product)
    say(f"{pauses.summary()}; {product.assert_equals_the_oracle()} facts equal")


def test_a_second_eviction_waits_for_the_first_and_a_drained_node_gets_all_back(
    product: Product, say: Callable[[str], None]
) -> None:
    first, second = (pod["metadata"]["name"] for pod in product.kube.pods("gateway"))
    assert evicted(product, first)
    assert not evicted(product, second), "the disruption budget lets only one pod of a part be away"
    wait_until_ready(product)
    began, before = time.monotonic(), uids(product)
    selector = f"--pod-selector=app.kubernetes.io/instance={RELEASE}"
    drain = product.kube.start("drain", NODE, selector, "--delete-emptydir-data", "--force", "--timeout=240s")
    eventually(
        lambda: not product.kube.pods("financial") or "unschedulable" in product.kube.get("node", NODE)["spec"],
        within_s=READY_S, what="the drain begins",
    )  # fmt: skip
    pause(20)
    product.kube.run("uncordon", NODE)  # the only node: what was evicted needs it
    output, _ = drain.communicate(timeout=READY_S)
    assert drain.returncode == 0, output
    wait_until_ready(product)
    assert not before & uids(product), "the drain replaces each pod"
    say(f"drained and ready again after {time.monotonic() - began:.0f} s")
    product.assert_equals_the_oracle()


def uids(product: Product) -> set[str]:
    """Return the identity of each pod of a gateway and of a worker of trading."""
    return {pod["metadata"]["uid"] for part in ("gateway", "trading") for pod in product.kube.pods(part)}


def evicted(product: Product, pod: str) -> bool:
    """Ask for an eviction; return whether the disruption budget allowed it."""
    body = f'{{"apiVersion":"policy/v1","kind":"Eviction","metadata":{{"name":"{pod}","namespace":"default"}}}}'
    path = f"/api/v1/namespaces/default/pods/{pod}/eviction"
    return product.kube.succeeds("create", "--raw", path, "--filename=-", text=body)
