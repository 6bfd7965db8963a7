"""Faust on Redis Streams: a transport for `redis://`, `rediss://` and `unix://` brokers.

Selected by URL scheme through the entry-point group ``faust.transports``; depends on `faust_redis.log` and Faust only.
"""

from faust_redis.driver.transport import Transport

__all__ = ["Transport"]
