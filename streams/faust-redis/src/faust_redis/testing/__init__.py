"""Test Faust apps without a broker, in virtual time.

`TestDriver` runs one app and lets a test pipe records in, move time, and read topics, tables and dead letters.
The pytest fixture `simulation` runs an app under crashes, pauses and network faults; see `faust_redis.testing.plugin`.
"""

from faust_redis.testing.driver import DrivenTopic, TestDriver
from faust_redis.testing.errors import (
    AlreadyStartedError,
    AppCrashedError,
    InvariantError,
    NotSettledError,
    SimulationError,
    TestingError,
)
from faust_redis.testing.plan import FAULTS
from faust_redis.testing.records import TestRecord
from faust_redis.testing.simulation import Simulation
from faust_redis.testing.view import View

__all__ = [
    "FAULTS",
    "AlreadyStartedError",
    "AppCrashedError",
    "DrivenTopic",
    "InvariantError",
    "NotSettledError",
    "Simulation",
    "SimulationError",
    "TestDriver",
    "TestRecord",
    "TestingError",
    "View",
]
