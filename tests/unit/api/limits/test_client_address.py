"""The client's address comes from a header only through proxies that the operator named."""

from __future__ import annotations

import pytest

from api.limits.client_address import FORWARDED, FORWARDED_FOR, ClientAddresses, ForwardedHeader

PROXIES = ("10.0.0.0/8", "fd00::/8")


def address(
    peer: str | None,
    *lines: str,
    trusted: tuple[str, ...] = PROXIES,
    header: ForwardedHeader = FORWARDED_FOR,
    **other: str,
) -> str:
    headers = [(header.encode(), line.encode()) for line in lines]
    headers += [(name.replace("_", "-").encode(), line.encode()) for name, line in other.items()]
    scope = {"client": None if peer is None else (peer, 40_000), "headers": headers}
    return ClientAddresses(trusted, header).of(scope)


def test_no_proxy_is_trusted_by_default() -> None:
    assert address("127.0.0.1", "9.9.9.9", trusted=()) == "127.0.0.1"


def test_a_header_of_an_unknown_peer_does_not_count() -> None:
    assert address("8.8.8.8", "9.9.9.9") == "8.8.8.8"


def test_the_last_hop_that_is_no_proxy_is_the_client() -> None:
    assert address("10.0.0.1", "1.1.1.1, 9.9.9.9, 10.0.0.7") == "9.9.9.9"


def test_several_lines_are_one_list() -> None:
    assert address("10.0.0.1", "1.1.1.1", "9.9.9.9", "10.0.0.7") == "9.9.9.9"


@pytest.mark.parametrize("hops", ["unknown", "1.1.1.1, unknown", "1.1.1.1,", ""])
def test_a_proxy_that_names_no_address_counts_as_the_client(hops: str) -> None:
    assert address("10.0.0.1", hops) == "10.0.0.1"
    assert address("10.0.0.1") == "10.0.0.1"


def test_a_client_inside_the_trusted_network_is_the_farthest_hop() -> None:
    assert address("10.0.0.1", "10.0.0.9, 10.0.0.7") == "10.0.0.9"


@pytest.mark.parametrize(
    ("hop", "client"),
    [
        ("9.9.9.9:1234", "9.9.9.9"),
        ("[2001:db8:1:2::5]:443", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::5", "2001:db8:1:2::/64"),
        ("::ffff:9.9.9.9", "9.9.9.9"),
    ],
)
def test_ports_and_ipv6_are_read(hop: str, client: str) -> None:
    assert address("10.0.0.1", hop) == client


def test_addresses_of_one_ipv6_network_are_one_client() -> None:
    assert address("2001:db8:1:2::5") == address("2001:db8:1:2:ffff::9") != address("2001:db8:1:3::5")


def test_a_mapped_peer_is_recognised_as_a_proxy() -> None:
    assert address("::ffff:10.0.0.1", "9.9.9.9") == "9.9.9.9"


def test_forwarded_is_read_when_the_operator_says_so() -> None:
    line = 'for=1.1.1.1;proto=https, FOR="[2001:db8:1:2::5]:99";by=10.0.0.1, for=10.0.0.7'
    assert address("10.0.0.1", line, header=FORWARDED) == "2001:db8:1:2::/64"
    assert address("10.0.0.1", "for=_hidden", header=FORWARDED) == "10.0.0.1"
    assert address("10.0.0.1", "proto=https", header=FORWARDED) == "10.0.0.1"


def test_the_other_header_is_not_read_because_the_proxy_may_not_write_it() -> None:
    assert address("10.0.0.1", "9.9.9.9", forwarded="for=6.6.6.6") == "9.9.9.9"
    assert address("10.0.0.1", "for=9.9.9.9", header=FORWARDED, x_forwarded_for="6.6.6.6") == "9.9.9.9"


def test_a_client_on_a_unix_socket_is_local() -> None:
    assert address(None) == "local"


def test_a_wrong_network_is_refused() -> None:
    with pytest.raises(ValueError, match=r"10\.0\.0\.0/33"):
        ClientAddresses(["10.0.0.0/33"])
