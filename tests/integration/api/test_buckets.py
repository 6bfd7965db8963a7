"""Token buckets in Redis: exact arithmetic, leases of several processes, and what happens while Redis is away."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from fractions import Fraction

import pytest
from faust_redis.log import Log, LogUnavailableError
from hypothesis import given, settings
from hypothesis import strategies as st

from api.limits import limiter as limits
from api.limits.buckets import Bucket, LocalBuckets, SharedBuckets, TakeRequest, TakeResult
from api.limits.limiter import Grant, Limiter
from api.limits.policies import AWAY_SHARE, Policy
from api.metrics import Metrics

SMALL = Policy("small", 100, 1_000)
"""It refills a unit in ten seconds, longer than a test takes."""


class Model:
    """A token bucket as a textbook has it: tokens that rise with the time, in exact fractions."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.tokens = Fraction(policy.units)
        self.at_us: int | None = None

    def take(self, request: TakeRequest, now_us: int) -> TakeResult:
        policy = self.policy
        if self.at_us is not None:
            self.tokens += Fraction(now_us - self.at_us, policy.unit_us)
        self.at_us = now_us
        self.tokens = min(Fraction(policy.units), min(Fraction(policy.units), self.tokens) + request.returned)
        cost, prefetched, wait = min(request.units, policy.units), None, Fraction(0)
        if cost <= self.tokens:
            prefetched = min(request.prefetch, (int(self.tokens) - cost) // 4)
            self.tokens -= cost + prefetched
        else:
            wait = (cost - self.tokens) * policy.unit_us
        full_us = (policy.units - self.tokens) * policy.unit_us
        return TakeResult(now_us, prefetched, int(self.tokens), int(full_us), int(wait))


POLICY = st.builds(Policy, st.just("any"), st.integers(1, 5_000), st.integers(1, 60))
ASKS = st.tuples(st.integers(0, 2), st.integers(0, 400), st.integers(0, 200), st.integers(0, 50))
CALLS = st.lists(st.tuples(st.lists(ASKS, min_size=1, max_size=6), st.sampled_from([0.0, 0.001, 0.004])), max_size=8)


@settings(max_examples=60)
@given(policies=st.lists(POLICY, min_size=3, max_size=3), calls=CALLS)
def test_the_script_does_what_the_model_of_a_token_bucket_does(
    broker_url: str, policies: Sequence[Policy], calls: list[tuple[list[tuple[int, int, int, int]], float]]
) -> None:
    async def compare() -> None:
        async with shared(broker_url) as buckets:
            models = [Model(policy) for policy in policies]
            for wishes, pause_s in calls:
                requests = [
                    TakeRequest(Bucket(f"b{number}", policies[number]), units, prefetch, returned)
                    for number, units, prefetch, returned in wishes
                ]
                found = await buckets.take_all(requests)
                assert found == [
                    models[number].take(request, found[0].now_us)
                    for request, (number, *_) in zip(requests, wishes, strict=True)
                ]
                await asyncio.sleep(pause_s)

    asyncio.run(compare())


@asynccontextmanager
async def shared(broker_url: str) -> AsyncIterator[SharedBuckets]:
    log = Log(broker_url, f"test-{secrets.token_hex(6)}")
    yield SharedBuckets(log)
    await log.close()


async def test_a_bucket_is_forgotten_when_it_is_full(log: Log) -> None:
    bucket = Bucket("b", Policy("any", 1_000, 10))
    await SharedBuckets(log).take(TakeRequest(bucket, 50))
    key = f"{log.keys.prefix}limit:b"
    assert 0 < await log.redis.pttl(key) <= 501
    async with asyncio.timeout(5):
        while await log.redis.exists(key):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_a_server_clock_that_was_set_back_locks_no_caller_out_for_longer_than_a_window(log: Log) -> None:
    await log.redis.set(f"{log.keys.prefix}limit:b", 10**16)
    refused = await SharedBuckets(log).take(TakeRequest(Bucket("b", SMALL), 1))
    assert refused.prefetched is None
    assert refused.full_us == SMALL.full_us


def limiter(log: Log) -> Limiter:
    return Limiter(log, Metrics())


async def spend(one: Limiter, bucket: Bucket, units: int = 1, *, at_most: int = 1_000) -> int:
    """Take until a refusal; return the units that were granted."""
    for number in range(at_most):
        if not (await one.take(bucket, units)).allowed:
            return number * units
    return at_most * units


async def test_processes_together_spend_what_the_bucket_has_and_no_more(log: Log) -> None:
    several = [limiter(log) for _ in range(3)]
    bucket = Bucket("b", SMALL)
    spent = sum(await asyncio.gather(*(spend(one, bucket) for one in several for _ in range(4))))
    assert SMALL.units - 3 <= spent <= SMALL.units  # all but what a process that met a refusal had in advance
    await asyncio.sleep(limits.REFUSAL_KEPT_S)
    for one in several:
        await one.give_back(asyncio.get_running_loop().time())
    assert spent + await spend(several[0], bucket) == SMALL.units


async def test_most_requests_cost_no_call(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = count_calls(monkeypatch)
    one, bucket = limiter(log), Bucket("b", Policy("large", 10_000, 1_000))
    for _ in range(1_000):
        assert (await one.take(bucket, 1)).allowed
    assert len(calls) == 2  # each brings 500 units in advance


async def test_concurrent_requests_share_a_call(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = count_calls(monkeypatch)
    one = limiter(log)
    await asyncio.gather(*(one.take(Bucket(f"b{number}", SMALL), 1) for number in range(100)))
    assert [len(call) for call in calls] == [100]


async def test_a_refused_caller_costs_redis_nothing_for_a_second(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    one, bucket = limiter(log), Bucket("b", SMALL)
    assert (await one.take(bucket, 100)).allowed
    first = await one.take(bucket, 20)
    calls = count_calls(monkeypatch)
    refused = [await one.take(bucket, 20) for _ in range(100)]
    assert not calls
    assert {(grant.allowed, grant.wait_s) for grant in refused} <= {(False, first.wait_s), (False, first.wait_s - 1)}
    assert 190 <= first.wait_s <= 200
    assert not (await one.take(bucket, 1)).allowed  # a smaller wish is asked for again


async def test_what_was_taken_in_advance_is_given_back(log: Log) -> None:
    first, second, bucket = limiter(log), limiter(log), Bucket("b", Policy("large", 1_000, 10_000))
    assert (await first.take(bucket, 1)).left == 999
    assert (await second.take(bucket, 1)).left == 948  # 50 are with the first process
    await first.give_back(asyncio.get_running_loop().time() + limits.LEASE_S)
    await second.give_back(asyncio.get_running_loop().time() + limits.LEASE_S)
    assert (await second.take(bucket, 1)).left == 997


async def test_a_request_that_costs_more_than_a_full_bucket_takes_it_all(log: Log) -> None:
    bucket = Bucket("b", SMALL)
    assert await limiter(log).take(bucket, 5_000) == Grant(SMALL, True, 0, 1_000, 0)


async def test_a_process_decides_alone_and_stricter_while_redis_is_away() -> None:
    log = Log("redis://127.0.0.1:1", "test")
    one, bucket = limiter(log), Bucket("b", SMALL)
    assert await spend(one, bucket) == SMALL.units // AWAY_SHARE
    refused = await one.take(bucket, 1)
    assert (refused.allowed, refused.policy.units, refused.wait_s) == (False, 10, 100)
    await log.close()


async def test_a_redis_that_does_not_answer_delays_one_request_and_not_each(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    async def silent(*_: object) -> None:
        nonlocal asked
        asked += 1
        await asyncio.Event().wait()

    monkeypatch.setattr(log, "run", silent)
    monkeypatch.setattr("api.limits.buckets.REPLY_TIMEOUT_S", 0.05)
    one, bucket = limiter(log), Bucket("b", Policy("large", 10_000, 60))
    async with asyncio.timeout(5):
        grants = [await one.take(bucket, 1) for _ in range(100)]
    assert all(grant.allowed for grant in grants)
    assert asked == 1


async def test_redis_is_asked_again_when_it_is_back(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    one, bucket = limiter(log), Bucket("b", SMALL)

    async def away(_: Sequence[TakeRequest]) -> list[TakeResult]:
        raise LogUnavailableError("away")

    with monkeypatch.context() as patched:
        patched.setattr(one.shared.take, "_run", away)
        assert (await one.take(bucket, 1)).policy.units == SMALL.units // AWAY_SHARE
    monkeypatch.setattr(limits, "AWAY_S", 0.0)
    async with asyncio.timeout(5):
        while (await one.take(bucket, 1)).policy != SMALL:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


def test_a_process_keeps_a_bounded_number_of_buckets_while_redis_is_away() -> None:
    local = LocalBuckets(10)
    for number in range(1_000):
        assert local.take(Bucket(f"b{number}", SMALL), 1, 0.0).prefetched == 0
        assert local.take(Bucket("busy", SMALL), 0, 0.0).left == 100
    assert len(local) == 10


@given(
    policy=POLICY,
    takes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 5_000_000)), max_size=20),
)
def test_the_bucket_of_a_process_is_a_token_bucket(policy: Policy, takes: list[tuple[int, int]]) -> None:
    local, model, now_us = LocalBuckets(10), Model(policy), 0
    for units, pause_us in takes:
        now_us += pause_us
        found = local.take(Bucket("b", policy), units, Fraction(now_us, 1_000_000))  # type: ignore[arg-type]
        assert found == model.take(TakeRequest(Bucket("b", policy), units), now_us)


async def test_callers_are_forgotten_when_they_are_gone(log: Log) -> None:
    one = limiter(log)
    await asyncio.gather(*(one.take(Bucket(f"b{number}", SMALL), 1) for number in range(300)))
    await one.give_back(asyncio.get_running_loop().time() + limits.LEASE_S)
    assert not one._leases


def count_calls(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[TakeRequest]]:
    """Return a list that the requests of each call are added to."""
    calls: list[Sequence[TakeRequest]] = []
    run = SharedBuckets.take_all

    async def counted(self: SharedBuckets, requests: Sequence[TakeRequest]) -> list[TakeResult]:
        calls.append(requests)
        return await run(self, requests)

    monkeypatch.setattr(SharedBuckets, "take_all", counted)
    return calls
