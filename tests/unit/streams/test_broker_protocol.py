"""The log satisfies the driver's broker protocol: by type, and by the arguments of each call."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from faust_redis.driver import broker
from faust_redis.log import Log
from faust_redis.log.groups import Groups


def the_log_is_a_broker(log: Log, groups: Groups) -> tuple[broker.Broker, broker.ConsumerGroups]:
    """Fail mypy when the log no longer satisfies the protocol."""
    return log, groups


def methods(protocol: Any) -> list[tuple[str, Any]]:
    found: dict[str, Any] = {}
    for base in reversed(protocol.__mro__):
        if base.__module__ == broker.__name__:
            found |= {name: member for name, member in vars(base).items() if not name.startswith("_")}
    return sorted(found.items())


CASES: list[tuple[Any, Any, str, Any]] = [(broker.Broker, Log, *each) for each in methods(broker.Broker)]
CASES += [(broker.ConsumerGroups, Groups, *each) for each in methods(broker.ConsumerGroups)]


@pytest.mark.parametrize(("protocol", "implementation", "name", "wanted"), CASES, ids=[case[2] for case in CASES])
def test_the_log_offers_what_the_driver_asks_of_a_broker(
    protocol: Any, implementation: Any, name: str, wanted: Any
) -> None:
    offered = inspect.getattr_static(implementation, name)
    if callable(wanted):
        assert inspect.iscoroutinefunction(wanted) == inspect.iscoroutinefunction(offered), protocol
        missing = inspect.signature(wanted).parameters.keys() - inspect.signature(offered).parameters.keys()
        assert not missing


def test_the_protocol_names_no_redis() -> None:
    source = inspect.getsource(broker).partition('"""')[2].partition('"""')[2]
    assert "redis" not in source.lower().replace("faust_redis", "")
