"""Fees of a load are settled on the devnet while pods of the chain are killed: each batch once, to the unit."""

from __future__ import annotations

import re
import time
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from tests.cluster.product import Product
from tests.cluster.test_faults import load, pause, wait_until_ready
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.timeout(600)

FILLS = 500
SETTLED_S = 180.0
KILLED = ("indexer", "settlement", "settlement", "indexer")
METRICS = re.compile(r"^astra_settlement_(\w+?)(?:_total)? (\S+)$", re.MULTILINE)


def newest(product: Product) -> tuple[float, float]:
    """Return the numbers of the last closed and the last confirmed batch, as the settlement that is ahead has them."""
    return max(((one["closed_batch"], one["confirmed_batch"]) for one in metrics(product)), default=(0, -1))


def metrics(product: Product) -> Iterator[dict[str, float]]:
    """Yield what each pod of settlement exports."""
    for pod in product.kube.pods("settlement"):
        try:
            with urllib.request.urlopen(f"http://{pod['status']['podIP']}:9106/metrics", timeout=5) as answer:
                text = answer.read().decode()
        except (OSError, KeyError):
            continue
        yield {name: float(value) for name, value in METRICS.findall(text)}


def test_fees_are_settled_once_while_pods_of_the_chain_are_killed(product: Product, say: Callable[[str], None]) -> None:
    with product.replaying(product.more_fills(FILLS), *load(product)):
        for part in KILLED:
            pause(4)
            name = product.kube.pods(part)[0]["metadata"]["name"]
            product.kube.run("delete", "pod", name, "--grace-period=0", "--force")
    wait_until_ready(product)
    began = time.monotonic()

    def all_are_confirmed() -> bool:
        closed, confirmed = newest(product)
        return closed == confirmed > 0

    eventually(all_are_confirmed, within_s=SETTLED_S, what="all batches are confirmed")
    report = product.astratrade("audit", "chain", part="settlement")
    assert "0 differences" in report, report
    number, took_s = newest(product)[0], time.monotonic() - began
    say(f"{number:.0f} batches, the last one confirmed {took_s:.0f} s after the load; no difference")
    say(product.astratrade("chain", "status", part="settlement"))
