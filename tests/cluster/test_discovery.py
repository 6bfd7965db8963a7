"""Services find each other by name, and a pod that lives but is not ready gets no traffic."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.cluster import RELEASE
from tests.cluster.product import URL, Product
from tests.e2e.pipeline import NO_TLS
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.timeout(600)

THIRD = "third-gateway"
DRAIN_S = 120
STATS = re.compile(r'^astra_api_requests_total{[^}]*"/v1/stats"[^}]*} (\S+)$', re.MULTILINE)
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
    with third_gateway(product) as address:
        assert len(ready_addresses(product)) == 3
        product.kube.run("exec", THIRD, "--", "python", "-c", "import os; os.kill(1, 15)")
        eventually(lambda: address not in ready_addresses(product), within_s=DRAIN_S / 2, what="the pod is not ready")
        assert status(f"http://{address}:8000/livez") == httpx.codes.OK
        assert status(f"http://{address}:8000/readyz") == httpx.codes.SERVICE_UNAVAILABLE
        eventually(lambda: gets_none_of_many(address), within_s=DRAIN_S / 4, what="no request reaches the pod")
        before = answered(address)
        assert status(f"http://{address}:8000/v1/stats") == httpx.codes.OK
        assert answered(address) == before + 1


@contextmanager
def third_gateway(product: Product) -> Iterator[str]:
    """Run a third pod of the gateway, which serves on for long after its signal to end; yield its address."""
    template = product.kube.get("deployment", f"{RELEASE}-gateway")["spec"]["template"]
    [container] = template["spec"]["containers"]
    kept = [variable for variable in container["env"] if variable["name"] != "ASTRA_DRAIN_S"]
    environment = [*kept, {"name": "ASTRA_DRAIN_S", "value": str(DRAIN_S)}]
    pod: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": THIRD, "labels": template["metadata"]["labels"]},
        "spec": {**template["spec"], "containers": [{**container, "env": environment}]},
    }
    product.kube.apply(pod)
    try:
        product.kube.run("wait", f"pod/{THIRD}", "--for=condition=Ready", "--timeout=120s")
        yield product.kube.get("pod", THIRD)["status"]["podIP"]
    finally:
        product.kube.run("delete", "pod", THIRD, "--grace-period=0", "--force")


def gets_none_of_many(address: str) -> bool:
    """Send requests to the service, which must all be answered; return whether the pod got none of them.

    The node learns a moment later that the pod is not ready.
    """
    before = answered(address)
    assert {status(f"{URL}/v1/stats") for _ in range(REQUESTS)} == {httpx.codes.OK}
    return answered(address) == before


def answered(address: str) -> float:
    """Return how many requests for statistics a gateway has answered."""
    metrics = httpx.get(f"http://{address}:9100/metrics", timeout=5, verify=NO_TLS).text
    return sum(float(value) for value in STATS.findall(metrics))


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
