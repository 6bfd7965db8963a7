"""Faust on Redis Streams: partitions, consumer groups, changelogged tables and exactly-once commits.

Install the package and give a Faust app a ``redis://`` broker URL. What this module exports is the public API;
everything else is private and may change without notice.
"""

from faust_redis.batches import Batch, Received, batch_agent
from faust_redis.dead_letters import DeadLetter, DeadLetters, TransientError
from faust_redis.typed import Typed

__version__ = "0.1.0"

__all__ = ["Batch", "DeadLetter", "DeadLetters", "Received", "TransientError", "Typed", "batch_agent"]
