"""A client of the log that knows the broker by the product's own user of the ACL file, on a server that tests share."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import redis
from faust_redis.log import Log

from deploy.broker_acl import RUNTIME_USER, acl_file


@asynccontextmanager
async def log_of_the_products_user(url: str, namespace: str) -> AsyncIterator[Log]:
    """Yield a client with the rights of `deploy/broker.acl` in a namespace. Fail when a command was refused."""
    password = secrets.token_hex(16)
    everything = redis.Redis(unix_socket_path=url.removeprefix("unix://"), decode_responses=True)
    [rules] = [
        line.split()[2:] for line in acl_file(namespace, password).splitlines() if line.split()[1] == RUNTIME_USER
    ]
    everything.execute_command("ACL", "SETUSER", RUNTIME_USER, *rules)
    everything.acl_log_reset()
    try:
        async with Log(
            url.replace("unix://", f"unix://{RUNTIME_USER}:{password}@"), namespace, owner="astratrade"
        ) as log:
            yield log
        refused = [f"{entry['reason']} {entry['object']}" for entry in everything.acl_log()]
        assert not refused, f"the product's user lacks {refused}"
    finally:
        everything.execute_command("ACL", "DELUSER", RUNTIME_USER)
        everything.close()
