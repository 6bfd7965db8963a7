"""Faust on Redis Streams: the transport for `redis://`, `rediss://` and `unix://` brokers.

Faust finds `Transport` by URL scheme, through the entry-point group ``faust.transports``. `composition.py` builds the
parts; `transport.py`, `consumer.py`, `producer.py` and `stream.py` adapt them to Faust.
"""

from faust_redis.driver.faust_api.transport import Transport

__all__ = ["Transport"]
