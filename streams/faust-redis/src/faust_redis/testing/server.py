"""Model the server in memory: keys, the commands on them, and the library's scripts."""

from __future__ import annotations

from collections.abc import Callable

from faust_redis.log.scripts import COMMIT, CREATE_TOPIC, GROUP, LEASE, OFFSETS, RESIZE, TRIM
from faust_redis.testing import resizes, scripts
from faust_redis.testing.keyspace import Keyspace

SCRIPTS = {
    COMMIT.digest: scripts.commit,
    CREATE_TOPIC.digest: scripts.create_topic,
    GROUP.digest: scripts.group,
    LEASE.digest: resizes.lease,
    OFFSETS.digest: scripts.offsets,
    RESIZE.digest: resizes.resize,
    TRIM.digest: scripts.trim,
}


class Server(Keyspace):
    """Answer as Redis does. `tests/simulation/test_conformance.py` compares it with a real server, reply by reply."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        super().__init__(now_ms, SCRIPTS)
