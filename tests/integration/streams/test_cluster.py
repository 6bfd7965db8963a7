"""A log on a real cluster of three nodes: each shard is a slot, and a script may not touch another one."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis
from faust_redis.log import Log, LogUnavailableError, Record, TopicPartition, TopicSpec
from faust_redis.log.address import split_urls
from faust_redis.log.forwarding import forward_all
from faust_redis.log.keys import Keys
from faust_redis.log.records import WriteBatch
from faust_redis.log.scripts import COMMIT
from faust_redis.log.sharded import ShardedLog, open_log
from faust_redis.log.write_arguments import commit_arguments
from redis.crc import key_slot
from redis.exceptions import ResponseError

from deploy.server.server_binary import find_binary
from tests.ports import free_port

NODES = SHARDS = 3
SLOTS = 16_384
START_S = 20.0


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[int]]:
    """Start three nodes, and join them to a cluster."""
    found = [free_port() for _ in range(NODES)]
    with ExitStack() as stack:
        for port in found:
            stack.callback(_end, _node(port, tmp_path_factory.mktemp("node")))
        _join(found)
        yield found


def _node(port: int, directory: Path) -> subprocess.Popen[bytes]:
    options = {
        "port": port, "bind": "127.0.0.1", "cluster-enabled": "yes", "cluster-port": free_port(), "dir": directory,
        "save": "", "maxmemory-policy": "noeviction", "logfile": directory / "log",
    }  # fmt: skip
    words = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
    return subprocess.Popen([str(find_binary().path), *words])


def _end(node: subprocess.Popen[bytes]) -> None:
    node.kill()
    node.wait()


def _join(ports: list[int]) -> None:
    nodes = [redis.Redis(port=port, decode_responses=True) for port in ports]
    _until(lambda: all(map(_answers, nodes)))
    for number, node in enumerate(nodes):
        first, last = number * SLOTS // NODES, (number + 1) * SLOTS // NODES - 1
        node.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
        bus = node.config_get("cluster-port")["cluster-port"]
        nodes[0].execute_command("CLUSTER", "MEET", "127.0.0.1", ports[number], bus)
    _until(lambda: all("cluster_state:ok" in str(node.execute_command("CLUSTER", "INFO")) for node in nodes))
    for node in nodes:
        node.close()


def _answers(node: redis.Redis) -> bool:
    try:
        return bool(node.ping())
    except redis.RedisError:
        return False


def _until(condition: object) -> None:
    deadline = time.monotonic() + START_S
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "the cluster does not come up"
        time.sleep(0.05)


@pytest.fixture
def url(ports: list[int]) -> str:
    """Return the URL of a log with three shards on the cluster."""
    others = ",".join(f"127.0.0.1:{port}" for port in ports[1:])
    return f"redis://127.0.0.1:{ports[0]}?cluster={others}&shards={SHARDS}"


async def test_shards_are_slots_of_a_cluster(url: str, namespace: str) -> None:
    async with open_log(url, namespace, transit="w") as log:
        assert isinstance(log, ShardedLog)
        await log.create_topic(TopicSpec("t", 6))
        await log.append([Record("t", p, b"k", b"%d" % p, 1) for p in range(6)])
        await forward_all(log.forwarders())
        found = await log.fetch({TopicPartition("t", p): 0 for p in range(6)}, block_ms=100)
        assert {tp.partition: records[0].value for tp, records in found.items()} == {p: b"%d" % p for p in range(6)}


async def test_a_namespace_of_one_shard_works_on_a_cluster(url: str, namespace: str) -> None:
    async with open_log(url.replace("&shards=3", ""), namespace) as log:
        await log.create_topic(TopicSpec("t", 2))
        await log.append([Record("t", 1, b"k", b"v", 1)])
        state = await log.groups.join("g", "m", b"", lease_ms=1_000, rebalance_ms=1_000, settle_ms=0)
        assert state.known
        assert await log.end_offsets("t") == {0: 0, 1: 1}


async def test_a_script_that_would_touch_a_key_of_another_slot_is_refused(url: str, namespace: str) -> None:
    async with Log(split_urls(url)[0], namespace) as log:
        info = await log.create_topic(TopicSpec("t", 1))
        batch = WriteBatch([Record("t", 0, b"k", b"v", 1)])
        other = next(keys for number in range(10_000) if _is_neighbour(keys := Keys(f"{namespace}-{number}"), log.keys))
        argv = commit_arguments(other.prefix, batch, {"t": info}, None, None).argv
        with pytest.raises(ResponseError, match="do not hash to the same slot"):
            await log.run(COMMIT, [log.keys.topics], argv)


def _is_neighbour(keys: Keys, to: Keys) -> bool:
    """Return whether the keys of one namespace are in another slot of the same node."""
    slot, others = key_slot(keys.topics.encode()), key_slot(to.topics.encode())
    return slot != others and slot * NODES // SLOTS == others * NODES // SLOTS


async def test_a_slot_that_moved_is_found_again(url: str, namespace: str, ports: list[int]) -> None:
    async with Log(split_urls(url)[0], namespace) as log:
        await log.create_topic(TopicSpec("t", 1))
        nodes = [redis.Redis(port=port, decode_responses=True) for port in ports]
        slot = int(nodes[0].execute_command("CLUSTER", "KEYSLOT", log.keys.topics))
        old = slot * NODES // SLOTS
        new = (old + 1) % NODES
        names = [str(node.execute_command("CLUSTER", "MYID")) for node in nodes]
        nodes[new].execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", names[old])
        nodes[old].execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", names[new])
        while keys := nodes[old].execute_command("CLUSTER", "GETKEYSINSLOT", slot, 100):
            nodes[old].execute_command("MIGRATE", "127.0.0.1", ports[new], "", 0, 5_000, "KEYS", *keys)
        for node in (nodes[new], nodes[old]):
            node.execute_command("CLUSTER", "SETSLOT", slot, "NODE", names[new])
        with pytest.raises(LogUnavailableError):
            await log.append([Record("t", 0, b"k", b"v", 1)])
        await log.append([Record("t", 0, b"k", b"v", 1)])
        assert await log.end_offsets("t") == {0: 1}
        for node in nodes:
            node.close()
