"""Least privilege on the broker: the commands that the product needs, as users of a Redis or Valkey ACL file.

There are two users. The product's own can do what the API, the workers and the bridge do. The operator's can also
repair, reset and delete, as some commands of `astratrade` do. Neither can change the server or touch keys of another
namespace.
"""

from __future__ import annotations

import hashlib

RUNTIME_COMMANDS = (
    "client|setinfo", "cluster|slots", "del", "eval", "evalsha", "exec", "exists", "get", "hdel", "hexists", "hget",
    "hgetall", "hincrby", "hkeys", "hlen", "hmget", "hscan", "hset", "hsetnx", "info", "lindex", "lpop", "multi",
    "pexpire", "ping", "publish", "rpush", "sadd", "scard", "select", "set", "sismember", "smembers", "srem",
    "subscribe", "time", "type", "unsubscribe", "xadd", "xgroup|create", "xgroup|setid", "xinfo|stream",
    "xrange", "xread", "xrevrange", "xsetid", "xtrim", "zadd", "zcard", "zcount", "zrange", "zrangebyscore",
    "zrem", "zscore",
)  # fmt: skip
"""Commands of the API, the workers and the bridge; `CLUSTER SLOTS` on a cluster alone.
`tests/security/test_broker_acl.py` compares them with use."""

OPERATOR_COMMANDS = ("memory|usage", "rename", "scan", "unlink", "xdel", "xlen")
"""What `astratrade topics`, `groups`, `reset` and `doctor` need beyond that."""

RUNTIME_USER = "astratrade"
OPERATOR_USER = "astratrade-operator"


def acl_file(namespace: str, password: str | None = None, operator_password: str | None = None) -> str:
    """Return the lines of an ACL file. A user without a password cannot log in until it gets one."""
    runtime = _user(RUNTIME_USER, namespace, password, RUNTIME_COMMANDS)
    operator = _user(OPERATOR_USER, namespace, operator_password, sorted({*RUNTIME_COMMANDS, *OPERATOR_COMMANDS}))
    return f"{runtime}\n{operator}\n"


def _user(name: str, namespace: str, password: str | None, commands: tuple[str, ...] | list[str]) -> str:
    digest = "" if password is None else f" #{hashlib.sha256(password.encode()).hexdigest()}"
    tags = f"{{{namespace}}}", f"{{{namespace}:*}}"  # a namespace on one broker, and a shard of one on several
    where = " ".join(f"{kind}{tag}:*" for kind in "~&" for tag in tags)
    return f"user {name} on{digest} {where} -@all {' '.join(f'+{command}' for command in commands)}"
