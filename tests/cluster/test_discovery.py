"""Services find each other by name, and a pod that lives but is not ready gets no traffic."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.cluster.product import RELEASE, URL, Product
from tests.e2e.pipeline import NO_TLS
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.timeout(600)

APART = "gateway-apart"
NOWHERE = "redis://127.0.0.1:1/0"
REQUESTS = 100
LOOK_UP = """
import json, socket, sys
print(json.dumps({name: sorted({found[4][0] for found in socket.getaddrinfo(name, 80)}) for name in sys.argv[1:]}))
"""


def addresses(product: Product, *names: str) -> dict[str, list[str]]:
    """Return the addresses of names, as a pod of the gateway finds them."""
    found: dict[str, list[str]] = json.loads(
        product.kube.run("exec", f"deploy/{RELEASE}-gateway", "--", "python", "-c", LOOK_UP, *names)
    )
    return found


def test_services_and_workers_have_names(product: Product) -> None:
    workers = {pod["metadata"]["name"]: pod["status"]["podIP"] for pod in product.kube.pods("trading")}
    names = {f"{name}.{RELEASE}-trading": [address] for name, address in workers.items()}
    services = {
        name: [product.kube.get("service", name)["spec"]["clusterIP"]]
        for name in (f"{RELEASE}-gateway", "valkey", "postgresql")
    }
    expected = {**services, **names, f"{RELEASE}-trading": sorted(workers.values())}
    assert len(workers) == 2
    assert addresses(product, *expected) == expected


def test_a_pod_that_lives_and_is_not_ready_gets_no_traffic(product: Product) -> None:
    with without_broker(product) as address:
        eventually(lambda: status(f"http://{address}:8000/livez") == httpx.codes.OK, within_s=120, what="the pod lives")
        assert status(f"http://{address}:8000/readyz") == httpx.codes.SERVICE_UNAVAILABLE
        assert {status(f"{URL}/readyz") for _ in range(REQUESTS)} == {httpx.codes.OK}
        assert address not in ready_addresses(product)
        assert len(ready_addresses(product)) == 2


@contextmanager
def without_broker(product: Product) -> Iterator[str]:
    """Run a pod with the gateway's labels whose broker is not there; yield its address."""
    template = product.kube.get("deployment", f"{RELEASE}-gateway")["spec"]["template"]
    [container] = template["spec"]["containers"]
    environment = [*container["env"], {"name": "ASTRA_BROKER_URL", "value": NOWHERE}]
    pod: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": APART, "labels": template["metadata"]["labels"]},
        "spec": {**template["spec"], "containers": [{**container, "env": environment}]},
    }
    product.kube.apply(pod)
    try:
        yield eventually(
            lambda: product.kube.get("pod", APART)["status"].get("podIP"), within_s=60, what="the pod has an address"
        )
    finally:
        product.kube.run("delete", "pod", APART, "--grace-period=0", "--force")


def ready_addresses(product: Product) -> list[str]:
    slices = product.kube.get("endpointslices", f"--selector=kubernetes.io/service-name={RELEASE}-gateway")["items"]
    points = [point for one in slices for point in one["endpoints"] if point["conditions"]["ready"]]
    return [address for point in points for address in point["addresses"]]


def status(url: str) -> int:
    """Return the status of an answer over a new connection; 0 when there is none."""
    try:
        return httpx.get(url, timeout=5, verify=NO_TLS).status_code
    except httpx.TransportError:
        return 0
