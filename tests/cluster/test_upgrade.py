"""An upgrade and a rollback under load: no request fails, nothing is lost, and each partition pauses only briefly."""

from collections.abc import Callable

import pytest

from tests.cluster import NEW
from tests.cluster.pauses import Pauses, Requests
from tests.cluster.product import URL, Product
from tests.cluster.test_faults import pause

pytestmark = pytest.mark.timeout(1_200)

FILLS = 3_000
LOAD = ("--rate", "25", "--batch", "5")
PAUSE_MAX_S = 60.0


@pytest.mark.parametrize("change", ["upgrade", "rollback"])
def test_a_rolling_change_under_load_fails_no_request_and_loses_nothing(
    product: Product, say: Callable[[str], None], change: str
) -> None:
    with (
        Pauses(product.broker_url) as pauses,
        Requests(URL) as requests,
        product.replaying(product.more_fills(FILLS), *LOAD),
    ):
        pause(5)
        if change == "upgrade":
            product.upgrade(f"image.tag={NEW}")
        else:
            product.roll_back()
        pause(5)
    facts = product.assert_equals_the_oracle()
    say(f"{change}: {len(requests.failed)} of {requests.sent} requests failed; {pauses.summary()}; {facts} facts equal")
    assert requests.failed == []
    assert max(pauses.longest.values()) < PAUSE_MAX_S
