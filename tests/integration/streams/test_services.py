"""The registry of live services: leases by the server's time."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest
from faust_redis.log import Log, LogUnavailableError
from faust_redis.log.services import Services

from streams.services import Kind, Service, ServiceLease, name_here, reachable_address


async def names(log: Log) -> list[str]:
    return [service.name for service in await Services(log).live()]


async def until(log: Log, expected: list[str]) -> None:
    async with asyncio.timeout(10):
        while await names(log) != expected:  # noqa: ASYNC110 - a lease that ends sends no signal
            await asyncio.sleep(0.02)


async def test_a_service_lives_while_it_renews_its_lease_and_is_removed_afterwards(log: Log) -> None:
    services = Services(log)
    await services.renew("b", {"n": 1}, lease_ms=60_000)
    await services.renew("a", {"n": 1}, lease_ms=30_000)
    await services.renew("b", {"n": 2}, lease_ms=60_000)
    first, second = await services.live()
    assert (first.name, second.name, second.description) == ("a", "b", {"n": 2})
    assert 0 <= first.lease_ms <= 30_000 < second.lease_ms <= 60_000
    await services.renew("a", {"n": 1}, lease_ms=1)
    await until(log, ["b"])
    await services.renew("c", {}, lease_ms=60_000)
    assert await log.redis.hkeys(log.keys.services) == [b"b", b"c"], "what is over takes no room"
    await services.withdraw("b")
    await services.withdraw("never-there")
    assert await names(log) == ["c"]


async def test_a_lease_of_nothing_is_refused(log: Log) -> None:
    with pytest.raises(ValueError, match="above 0"):
        await Services(log).renew("a", {}, lease_ms=0)


def lease(log: Log, health: list[str | None], *, lease_ms: int = 1_000) -> ServiceLease:
    async def look() -> str | None:
        return health[0]

    service = Service(Kind.RELAY, "r", "h:1", ("trading",), "1-x")
    return ServiceLease(log, service, look, lease_ms=lease_ms, every_s=0.05)


async def test_a_registered_process_says_what_it_is_and_how_it_is_until_it_ends(log: Log) -> None:
    health: list[str | None] = [None]
    async with lease(log, health).held():
        await until(log, ["r"])
        await asyncio.sleep(1.2)  # longer than the lease
        [found] = await Services(log).live()
        told = dict(found.description)
        assert told.pop("version")
        assert told == {
            "kind": "relay", "address": "h:1", "domains": ["trading"], "rulebook": "1-x", "ready": True, "why_not": None
        }  # fmt: skip
        health[0] = "the disk is full"
        async with asyncio.timeout(5):
            while (await Services(log).live())[0].description["ready"]:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.02)
        assert (await Services(log).live())[0].description["why_not"] == "the disk is full"
    assert await names(log) == [], "it withdraws its lease, which would last longer"


async def test_an_unreachable_broker_ends_no_process_and_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    absent = Log(f"redis://127.0.0.1:{port}")
    with pytest.raises(LogUnavailableError):
        await Services(absent).live()
    async with lease(absent, [None]).held():
        await asyncio.sleep(0.3)
    told = [record for record in caplog.records if "cannot tell the registry" in record.getMessage()]
    assert len(told) == 1
    await absent.close()


async def test_a_health_check_that_fails_does_not_end_the_lease(log: Log, caplog: pytest.LogCaptureFixture) -> None:
    health: list[str | None] = []
    async with lease(log, health).held():
        await asyncio.sleep(0.3)
        assert await names(log) == []
        health.append(None)
        await until(log, ["r"])
    assert await names(log) == []
    told = [record for record in caplog.records if "is not renewed: IndexError" in record.getMessage()]
    assert len(told) == 1, "it is logged once"


async def test_another_fault_of_an_outage_is_logged_too(log: Log, caplog: pytest.LogCaptureFixture) -> None:
    faults: Iterator[Exception] = iter([OSError("a"), OSError("a"), KeyError("b"), KeyError("b"), OSError("a")])
    seen = asyncio.Event()

    async def look() -> str | None:
        if (fault := next(faults, None)) is None:
            seen.set()
            return None
        raise fault

    async with ServiceLease(log, Service(Kind.RELAY, "r"), look, lease_ms=400, every_s=0.001).held():
        async with asyncio.timeout(10):
            await seen.wait()
    told = [record.getMessage().rpartition(": ")[2] for record in caplog.records if record.name == "streams.services"]
    assert told == ["OSError('a')", "KeyError('b')", "OSError('a')"]


def test_addresses_are_those_that_others_reach() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("0.0.0.0", 0)) as every:
        assert reachable_address(one) == f"127.0.0.1:{one.getsockname()[1]}"
        assert reachable_address(every) == f"{socket.gethostname()}:{every.getsockname()[1]}"
    assert name_here("worker-1") == f"worker-1@{socket.gethostname()}"
