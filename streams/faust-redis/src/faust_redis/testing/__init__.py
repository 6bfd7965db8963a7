"""Test Faust apps without a broker, in virtual time.

`TestDriver` runs one app and lets a test pipe records in, move time, and read topics, tables and dead letters.
The pytest fixture `simulation` runs an app under crashes, pauses and network faults; see `faust_redis.testing.plugin`.
"""

from faust_redis.testing.driver import DrivenTopic, TestDriver
from faust_redis.testing.errors import AlreadyStartedError, AppCrashedError, NotSettledError, TestingError
from faust_redis.testing.records import TestRecord

__all__ = [
    "AlreadyStartedError",
    "AppCrashedError",
    "DrivenTopic",
    "NotSettledError",
    "TestDriver",
    "TestRecord",
    "TestingError",
]
