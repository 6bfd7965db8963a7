"""Workers are added while a domain is behind, and taken away when it is not, without going to and fro."""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.cluster import RELEASE, lag_metric
from tests.cluster.product import Product
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.timeout(1_200)

FILLS = 10_000
PARTITIONS = 4
"""The default of the chart, and the most workers that a domain may have."""
SCALED = (
    "workers.autoscaling.by=hpa",
    "workers.autoscaling.lagSeconds=5",
    "workers.autoscaling.calmSeconds=30",
    "workers.domains.trading.replicas=1",
    "workers.resources.requests.cpu=20m",
    "workers.resources.limits.cpu=40m",  # so that one worker cannot keep up
)
WITHIN_S = 400.0
LOOK_EVERY_S = 1.0


@contextmanager
def watched(product: Product) -> Iterator[list[int]]:
    """Yield the numbers of workers of trading that were wanted one after the other."""
    wanted: list[int] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(LOOK_EVERY_S):
            replicas = product.kube.get("statefulset", f"{RELEASE}-trading")["spec"]["replicas"]
            if wanted[-1:] != [replicas]:
                wanted.append(replicas)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield wanted
    finally:
        stop.set()
        thread.join()


def test_workers_follow_the_lag_up_to_the_partitions_and_back_without_flapping(
    product: Product, say: Callable[[str], None]
) -> None:
    product.upgrade(*SCALED)
    with lag_metric.served(product.kube, product.folder), watched(product) as wanted:
        eventually(lambda: wanted[-1:] == [1], within_s=WITHIN_S, what="one worker of trading is wanted")
        with product.replaying(product.more_fills(FILLS)):
            eventually(lambda: max(wanted) > 1, within_s=WITHIN_S, what="the lag makes the autoscaler add workers")
        eventually(lambda: wanted[-1:] == [1], within_s=WITHIN_S, what="one worker is left")
    product.assert_equals_the_oracle()
    product.upgrade()
    say(f"workers of trading that were wanted: {wanted}")
    steps = [after - before for before, after in itertools.pairwise(wanted)]
    turns = sum(1 for before, after in itertools.pairwise(steps) if before * after < 0)
    assert turns == 1, f"up once, down once: {wanted}"
    assert max(wanted) == PARTITIONS
