"""Compare the modelled server with a real one: the same commands, the same replies, the same keys afterwards."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import msgpack
import pytest
from faust_redis.log import Log, Record, TopicSpec, WriteBatch
from faust_redis.log.records import TopicInfo, evidence_of
from faust_redis.log.scripts import COMMIT, CREATE_TOPIC, GROUP, LEASE, OFFSETS, RESIZE
from faust_redis.log.write_arguments import commit_arguments
from faust_redis.testing.server import Server
from redis.exceptions import ResponseError

SEQUENCES = 30
COMMANDS_EACH = 50
LONG_MS = 600_000

TOPICS = {"plain": (2, "delete", ""), "table": (2, "compact", ""), "ranked": (1, "compact", "rank")}
MEMBERS = ("m1", "m2", "m3")
TIMES = {b"settle", b"deadline", b"began_ms"}


class Both:
    """A real server and the model, which get the same commands."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.prefix = log.keys.prefix
        self.model = Server(lambda: 1_700_000_000_000)

    async def say(self, *command: Any) -> Any:
        real, modelled = await self._real(command), self._modelled(command)
        assert modelled == real, command
        return real

    async def say_unordered(self, *command: Any) -> None:
        """Compare replies whose order depends on when leases end: the model's clock does not advance."""
        assert sorted(self._modelled(command)) == sorted(await self._real(command)), command

    async def _real(self, command: tuple[Any, ...]) -> Any:
        try:
            if command[0] == "EVALSHA":
                script = next(
                    s for s in (COMMIT, CREATE_TOPIC, GROUP, LEASE, OFFSETS, RESIZE) if s.digest == command[1]
                )
                count = command[2]
                return await script.run(self.log.redis, command[3 : 3 + count], command[3 + count :])
            return await self.log.redis.execute_command(*command)
        except ResponseError as exc:
            return type(exc)

    def _modelled(self, command: tuple[Any, ...]) -> Any:
        try:
            return self.model.execute(*command)
        except ResponseError as exc:
            return type(exc)

    # --- state --------------------------------------------------------------------------------------------------------

    async def real_state(self) -> dict[str, Any]:
        redis: Any = self.log.redis
        state: dict[str, Any] = {}
        for key in [key async for key in redis.scan_iter(f"{self.prefix}*")]:
            name, kind = key.decode(), (await redis.type(key)).decode()
            if kind == "hash":
                state[name] = timeless(await redis.hgetall(key))
            elif kind == "set":
                state[name] = await redis.smembers(key)
            elif kind == "list":
                state[name] = past(await redis.lrange(key, 0, -1))
            elif kind == "string":
                state[name] = await redis.get(key)
            elif kind == "zset":
                state[name] = scored(name, dict(await redis.zrange(key, 0, -1, withscores=True)))
            else:
                groups = await redis.xinfo_groups(key)
                positions = {g["name"].decode(): int(g["last-delivered-id"].split(b"-")[1]) for g in groups}
                state[name] = (await redis.execute_command("XRANGE", key, "-", "+"), positions)
        return state

    def model_state(self) -> dict[str, Any]:
        state: dict[str, Any] = {name: timeless(each) for name, each in self.model.hashes.items() if each}
        state |= {name: members for name, members in self.model.sets.items() if members}
        state |= {name: past(items) for name, items in self.model.lists.items()}
        state |= self.model.strings
        state |= {name: scored(name, scores) for name, scores in self.model.sorted.items() if scores}
        for name, stream in self.model.streams.items():
            entries = [[b"%d-%d" % entry_id, parts] for entry_id, parts in stream.entries]
            state[name] = (entries, stream.groups)
        return state


def scored(name: str, scores: dict[bytes, float]) -> dict[bytes, float] | list[bytes]:
    """Return the members of a sorted set, and their scores where those are no times."""
    return scores if ":rank:" in name else sorted(scores)


def timeless(values: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """Return a hash without the fields that hold a time."""
    return {name: value for name, value in values.items() if name not in TIMES}


def past(resizes: list[bytes]) -> list[dict[str, Any]]:
    """Return the finished resizes without their times."""
    return [{name: value for name, value in json.loads(one).items() if name != "at_ms"} for one in resizes]


class Commands:
    """Random commands, mostly valid ones."""

    def __init__(self, rng: Random, both: Both) -> None:
        self.rng, self.both = rng, both
        self.generation = 0
        self.numbers = dict.fromkeys(MEMBERS, 0)

    async def one(self) -> None:
        often = (self.commit, self.commit, self.commit, self.group, self.group, self.read, self.create) * 4
        kinds = (*often, self.offsets, self.lease, *(self.resize,) * 6)
        await self.rng.choice(kinds)()

    async def create(self) -> None:
        name = self.rng.choice([*TOPICS, "later"])
        partitions, cleanup, view = TOPICS.get(name, (1, "delete", ""))
        keys = self.both.log.keys
        await self.both.say(
            "EVALSHA",
            CREATE_TOPIC.digest,
            2,
            keys.topic(name),
            keys.topics,
            name,
            partitions,
            cleanup,
            view,
            0,
            "i1",
            0,
        )

    def _record(self) -> Record:
        rng = self.rng
        name = rng.choice([*TOPICS] * 6 + ["later"])
        key = value = None
        if name == "ranked" or rng.random() < 0.9:
            key = rng.choice((b"all|a", b"old|a", b"x|y|c", b"none")) if name == "ranked" else b"k%d" % rng.randrange(4)
        if rng.random() < 0.8:
            value = self._standings() if name == "ranked" else b"%d" % rng.randrange(1000)
        partition = rng.choice((0, 0, 1, 1, 2)) if name != "ranked" else 0
        headers = (("a", b"x"),) if rng.random() < 0.2 else ()
        return Record(name, partition, key, value, rng.randrange(1000), headers, rng.choice((b"", b"", b"w1", b"w2")))

    def _passed(self, partition: int, offset: int) -> tuple[str, int, int]:
        """Return what a member may claim to have processed below an offset: nothing, what is there, or another."""
        stream = self.both.model.streams.get(self.both.log.keys.stream("plain", partition))
        records = stream.history if stream else []
        since = self.rng.randrange(offset + 1)
        if since == offset or self.rng.random() < 0.3:
            return "", 0, 0
        passed, entries = evidence_of(record.evidence for record in records[since:offset])
        return (passed if self.rng.random() < 0.8 else "0" * 40), since, max(1, entries - (self.rng.random() < 0.1))

    def _step(self, name: str) -> list[Any]:
        """Return a step of a source offset; mostly from where it stands."""
        place = f"{name}:0"
        stands = self.both.model.hashes.get(self.both.log.keys.source_offsets("other:0"), {}).get(place.encode(), b"0")
        expected = int(stands) if self.rng.random() < 0.9 else self.rng.randrange(4)
        return [place, expected, 0 if self.rng.random() < 0.2 else expected + self.rng.randrange(1, 4)]

    def _standings(self) -> bytes:
        rng = self.rng
        if rng.random() < 0.1:
            other: tuple[bytes, ...] = (
                b"{",
                b"7",
                b"\x81",
                b"\x80\xc0",
                *map(msgpack.packb, ([], None, {"day": 7, "": [4]}, {"": {}})),
            )
            return rng.choice(other)
        periods = rng.sample(("", "day", "week"), rng.randrange(4))
        scores = (0, -1, 2.5, -(2**60), 1e300, float("inf"), float("nan"))
        packed: bytes = msgpack.packb({period: [rng.choice(scores), "more"] for period in periods})
        return packed

    async def commit(self) -> None:
        rng = self.rng
        incarnations = {name: rng.choice(["i1"] * 30 + ["i2"]) for name in (*TOPICS, "later")}
        specs = {name: TopicSpec(name, *self._seen(name)) for name in incarnations}
        infos = {name: TopicInfo(specs[name], incarnation) for name, incarnation in incarnations.items()}
        records = [self._record() for _ in range(rng.choice((0, 1, 2, 3, 5, 5, 200)))]
        prefix, text, *payloads = commit_arguments(self.both.prefix, WriteBatch(records), infos, None, None).argv
        head: dict[str, Any] = json.loads(text)
        member = rng.choice(MEMBERS)
        if rng.random() < 0.6:
            generation = self.generation - (rng.random() < 0.1)
            head["fence"] = {"group": "g", "member": member, "generation": generation}
            standing = rng.choice((-1, -1, 0, rng.randrange(3)))
            offsets = [(p, rng.choice((0, 1, 2, rng.randrange(300)))) for p in range(rng.randint(0, 2))]
            head["offsets"] = [["plain", p, offset, standing, *self._passed(p, offset)] for p, offset in offsets]
            if rng.random() < 0.2:
                head["group"] = "h"
                if rng.random() < 0.5:
                    del head["fence"]
        if rng.random() < 0.3:
            head["copied"] = {
                "name": "other:0",
                "steps": [self._step(name) for name in rng.sample(("", "w1", "w2"), 2)],
            }
        self._resizing(head)
        if rng.random() < 0.1:
            head["require"] = ["table", 0, f"k{rng.randrange(4)}"]
        if rng.random() < 0.8:
            self.numbers[member] += rng.choice((1, 1, 1, 0, -1))
            number = self.numbers[member]
            if rng.random() < 0.2:
                head["idempotency"] = {"name": f"key{rng.randrange(3)}", "digest": str(number), "ttl_ms": LONG_MS}
            else:
                head["sequence"] = {"producer": member, "number": number, "ttl_ms": LONG_MS}
                if rng.random() < 0.2:
                    head["sequence"]["after"] = number - 1
        await self.both.say("EVALSHA", COMMIT.digest, 1, "any", prefix, json.dumps(head), *payloads)

    async def group(self) -> None:
        rng, member = self.rng, self.rng.choice(MEMBERS)
        op = rng.choice(("join", "join", "heartbeat", "leave", "sync", "sync", "members"))
        args: list[Any] = []
        if op == "join":
            args = [b"meta", LONG_MS, LONG_MS, rng.choice((0, LONG_MS))]
        elif op == "sync":
            args = [self.generation, "m1", b"one", "m2", b"two"]
        reply = await self.both.say("EVALSHA", GROUP.digest, 1, self.both.log.keys.group("g"), op, member, *args)
        if op != "members":
            self.generation = reply[3]

    def _resizing(self, head: dict[str, Any]) -> None:
        """Add what matters while the number of partitions changes."""
        rng = self.rng
        if rng.random() < 0.2:
            head["forwarded"] = rng.random() < 0.7
        if rng.random() < 0.2:
            head["elsewhere"] = [[name, self._seen(name)[0]] for name in rng.sample([*TOPICS, "unknown"], 2)]
        if rng.random() < 0.2:
            head["resize"] = rng.choice(("r1", "r2"))

    def _seen(self, name: str) -> tuple[int, Any, Any]:
        """Return a topic as a client has seen it: mostly as it is."""
        partitions, cleanup, view = TOPICS.get(name, (1, "delete", ""))
        known = self.both.model.hashes.get(self.both.log.keys.topic(name), {})
        return (int(known.get(b"partitions", 1)) if self.rng.random() < 0.9 else partitions), cleanup, view

    async def resize(self) -> None:
        rng, keys = self.rng, self.both.log.keys
        state = self.both.model.hashes.get(keys.resize, {})
        known, phase = state.get(b"id", b"r1").decode(), state.get(b"phase")
        likely = "begin" if phase is None else "seal" if phase == b"draining" else "finish"
        step = rng.choice(("begin", "seal", "finish", "cancel", *(likely,) * 8))
        name = known if rng.random() < 0.9 else rng.choice(("r1", "r2"))
        args: list[Any] = []
        if step == "begin":
            count = self._seen("plain")[0]
            topics = rng.choice((["plain", "table"], ["plain", "table"], ["plain"], ["ranked"], ["plain", "none"]))
            args = [json.dumps({"from": count, "to": count * rng.choice((2, 3)), "topics": topics})]
        elif step == "seal":
            hashes = self.both.model.hashes
            ends = {
                topic: {p.decode(): int(end) for p, end in hashes.get(keys.ends(topic), {}).items()} for topic in TOPICS
            }
            if rng.random() < 0.3:
                ends["plain"]["1"] = rng.randrange(3)
            args = [json.dumps(ends), b"plan"]
        elif step == "finish":
            prefix, hashes = keys.producer(""), self.both.model.hashes
            writers = {key.removeprefix(prefix): one for key, one in hashes.items() if key.startswith(prefix) and one}
            writer = rng.choice([*writers, "nobody"])
            number = int(writers.get(writer, {}).get(b"number", b"0"))
            args = [writer, number if rng.random() < 0.9 else number + 1]
        await self.both.say("EVALSHA", RESIZE.digest, 1, keys.resize, self.both.prefix, step, name, *args)

    async def lease(self) -> None:
        holder, lease_ms = self.rng.choice(MEMBERS), self.rng.choice((0, LONG_MS))
        await self.both.say("EVALSHA", LEASE.digest, 1, self.both.log.keys.resizer, holder, lease_ms)

    async def offsets(self) -> None:
        keys, op = self.both.log.keys, self.rng.choice(("reset", "forget"))
        args = ["plain", 0, self.rng.randrange(3)] if op == "reset" else []
        await self.both.say_unordered("EVALSHA", OFFSETS.digest, 1, keys.group("g"), self.both.prefix, "g", op, *args)

    async def read(self) -> None:
        keys = self.both.log.keys
        name = self.rng.choice([*TOPICS])
        await self.both.say("HMGET", keys.topic(name), "partitions", "cleanup", "incarnation", "closed")
        await self.both.say("HLEN", keys.snapshot(name, 0))
        stream = keys.stream(name, 0)
        await self.both.say("XREAD", "COUNT", 3, "STREAMS", stream.encode(), f"0-{self.rng.randrange(6)}")
        await self.both.say("XRANGE", stream, "-", "+", "COUNT", 1)
        await self.both.say("XREVRANGE", stream, "+", "-", "COUNT", 2)
        await self.both.say("SMEMBERS", keys.topics)
        await self.both.say("EXISTS", self.rng.choice((keys.topics, keys.shard, keys.ends(name), stream)))


@pytest.mark.parametrize("seed", range(SEQUENCES))
async def test_the_model_does_what_the_scripts_do(log: Log, seed: int) -> None:
    both = Both(log)
    commands = Commands(Random(seed), both)
    for _ in range(6):
        await commands.create()
    for _ in range(COMMANDS_EACH):
        await commands.one()
    assert both.model_state() == await both.real_state()


async def test_a_foreign_entry_is_refused_by_both(log: Log) -> None:
    both = Both(log)
    keys = log.keys
    await both.say(
        "EVALSHA", CREATE_TOPIC.digest, 2, keys.topic("plain"), keys.topics, "plain", 1, "delete", "", 0, "i1", 0
    )
    await log.redis.xadd(keys.stream("plain", 0), {"k": "x"}, id="5-1")
    both.model.stream(keys.stream("plain", 0)).add([b"k", b"x"], entry_id=(5, 1))
    info = TopicInfo(TopicSpec("plain", 1), "i1")
    args = commit_arguments(both.prefix, WriteBatch([Record("plain", 0, None, None, 0)]), {"plain": info}, None, None)
    reply = await both.say("EVALSHA", COMMIT.digest, 1, "any", *args.argv)
    assert reply == [b"FOREIGN", b"plain", b"0", b"5-1", b"0-0"]


class Clocked(Both):
    """A `Both` with a clock: the model's clock advances by the time that the real server waits."""

    async def member(self, op: str, name: str, *args: Any) -> list[Any]:
        reply: list[Any] = await self.say("EVALSHA", GROUP.digest, 1, self.log.keys.group("g"), op, name, *args)
        return reply


async def test_leases_and_deadlines_run_out_in_both(log: Log) -> None:
    both = Clocked(log)
    now = [0]
    both.model.now_ms = lambda: now[0]

    async def wait_until(seen: Any) -> None:
        key, real = log.keys.group("g"), None
        while not seen(real):
            real = await log.run(GROUP, [key], ["heartbeat", "onlooker"])
        now[0] += 1_000_000

    await both.member("join", "a", b"", 10_000_000, 10_000_000, 0)
    await both.member("join", "b", b"", 30, 10_000_000, 0)
    await both.member("join", "a", b"", 10_000_000, 10_000_000, 0)
    await wait_until(lambda reply: reply is not None and reply[2] == b"preparing")
    assert (await both.member("heartbeat", "b"))[0] == 0
    standing = await both.member("join", "a", b"", 50_000_000, 30, 0)
    assert standing[2:5] == [b"syncing", 3, b"a"]
    await wait_until(lambda reply: reply is not None and reply[2] != b"syncing")
    assert (await both.member("heartbeat", "a"))[0] == 0
