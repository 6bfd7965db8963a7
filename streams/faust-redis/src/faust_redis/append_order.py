"""Consume the topics of an app in the order in which their records were appended.

    app = faust.App("clicks", broker="redis://localhost:6379", store="faust-redis-rocksdb://")
    consume_in_append_order(app)

Faust keeps the order of each topic's partition. It gives no order between topics. With append order, an agent begins
with a record of partition p only after the agents of the app have processed every record that was appended to partition
p of any of its topics before. So a replay of the same log processes the same records in the same order.

This needs our own driver. On Kafka, whose topics share no order, it has no effect.
"""

from __future__ import annotations

import weakref
from typing import Any

_ordered: weakref.WeakSet[Any] = weakref.WeakSet()


def consume_in_append_order(app: Any) -> None:
    """Make a Faust app consume its topics in append order. Call this before the app starts."""
    _ordered.add(app)


def consumes_in_append_order(app: Any) -> bool:
    """Return whether an app consumes its topics in append order."""
    return app in _ordered
