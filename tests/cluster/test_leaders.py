"""Of two clocks one ticks, and the other goes on when it is gone."""

import re
import time
import urllib.request
from collections.abc import Callable

import pytest

from tests.cluster import RELEASE
from tests.cluster.product import CHARTS, OURS, STAGING, WAIT, Product
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.timeout(900)

OTHER = "apart"
"""A release with keys of its own on the same broker: its clock makes no fill late."""
DOMAINS = ("trading", "gamification", "social", "user", "financial", "nft")
LEADS = re.compile(r"^astra_clock_leads (\S+)$", re.MULTILINE)
TAKES_OVER_S = 30.0


def leaders(product: Product) -> list[str]:
    """Return the pods of the clock that tick."""
    pods = product.kube.get("pods", f"--selector=app.kubernetes.io/instance={OTHER},app.kubernetes.io/component=clock")
    return [pod["metadata"]["name"] for pod in pods["items"] if ticks(pod["status"].get("podIP"))]


def ticks(address: str | None) -> bool:
    try:
        with urllib.request.urlopen(f"http://{address}:9103/metrics", timeout=2) as answer:
            found = LEADS.search(answer.read().decode())
    except OSError:
        return False
    return found is not None and float(found[1]) == 1


def test_one_clock_ticks_and_the_other_takes_over_when_it_is_gone(product: Product, say: Callable[[str], None]) -> None:
    values = ["clock.replicas=2", "relay.replicas=0", "webhooks.replicas=0", "gateway.replicas=1",
              "gateway.service.type=ClusterIP", "gateway.service.nodePort=0", f"settings.namespace={OTHER}",
              *(f"workers.domains.{domain}.replicas=0" for domain in DOMAINS)]  # fmt: skip
    files = ("--values", str(STAGING), "--values", str(OURS), "--set", ",".join(values))
    product.kube.helm("install", OTHER, str(CHARTS / RELEASE), *files, *WAIT)
    try:
        [first] = eventually(lambda: leaders(product) or None, within_s=TAKES_OVER_S, what="a clock ticks")
        product.kube.run("delete", "pod", first, "--grace-period=0", "--force")
        began = time.monotonic()
        [second] = eventually(lambda: leaders(product) or None, within_s=TAKES_OVER_S, what="the other clock ticks")
        assert second != first
        say(f"the other clock ticked {time.monotonic() - began:.1f} s after the first one was killed")
    finally:
        product.kube.helm("uninstall", OTHER)
