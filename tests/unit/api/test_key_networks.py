"""The networks of API keys, as they are written down and compared with addresses."""

from __future__ import annotations

import pytest

from api.identity.api_keys.networks import contains, network, networks


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("192.0.2.1", "192.0.2.1/32"),
        ("192.0.2.0/24", "192.0.2.0/24"),
        ("2001:DB8::/32", "2001:db8::/32"),
        ("::ffff:192.0.2.1", "192.0.2.1/32"),
        ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
        ("::/0", "::/0"),
    ],
)
def test_a_network_is_written_in_one_form(text: str, stored: str) -> None:
    assert network(text) == stored
    assert network(stored) == stored


def test_an_address_is_the_same_client_in_both_notations() -> None:
    for written in ("192.0.2.1", "::ffff:192.0.2.1"):
        allowed = networks([network(written)])
        assert contains(allowed, "192.0.2.1")
        assert contains(allowed, "::ffff:192.0.2.1")
        assert not contains(allowed, "192.0.2.2")
