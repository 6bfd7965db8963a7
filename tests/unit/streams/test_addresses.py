"""The broker URL: options of ours, and the URLs of shards."""

from __future__ import annotations

import pytest
from faust_redis.log.address import split_options, split_urls


def test_the_first_url_of_a_list_has_the_options() -> None:
    address, options = split_options("rediss://a:1?ssl_check_hostname=no&namespace=n,redis://b:2?db=1")
    assert split_urls(address) == ["rediss://a:1?ssl_check_hostname=no", "redis://b:2?db=1"]
    assert options == {"namespace": "n"}


def test_the_nodes_of_a_cluster_are_no_list_of_urls() -> None:
    address, options = split_options("redis://a:1?cluster=b:2,c:3&shards=2&namespace=n")
    assert split_urls(address) == ["redis://a:1?cluster=b%3A2%2Cc%3A3"] * 2
    assert options == {"namespace": "n"}


def test_no_shard_is_refused() -> None:
    with pytest.raises(ValueError, match="shards=0"):
        split_urls("redis://a:1?shards=0")
