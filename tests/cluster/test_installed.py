"""The chart installs the product: all is ready, found by name, and serves what the oracle computes."""

from collections.abc import Callable

import pytest

from tests.cluster import RELEASE
from tests.cluster.product import Product

pytestmark = pytest.mark.timeout(1_200)


def test_the_installed_product_serves_what_the_oracle_computes_of_the_packaged_fills(
    product: Product, say: Callable[[str], None]
) -> None:
    facts = product.assert_equals_the_oracle()
    say(f"{facts} facts equal the oracle's")


def test_helms_test_finds_the_gateway_by_name_and_no_setting_that_loses_data(product: Product) -> None:
    product.kube.helm("test", RELEASE, "--timeout", "3m")
