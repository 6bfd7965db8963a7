"""A worker process is live while its event loops turn, and ready while its domains work."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from faust_redis.log import LogUnavailableError

from deploy.run.worker_health import Health, MemberState

READY = MemberState(ready=True, detail="generation 3")
RESTORING = MemberState(ready=False, detail="tables of generation 3 are being restored")


@dataclass
class Thread:
    domain: str
    turned_s: float
    is_running: bool = True


def threads(*ages_s: float) -> list[Thread]:
    return [Thread(f"d{number}", time.monotonic() - age_s) for number, age_s in enumerate(ages_s)]


def health(running: Sequence[Thread], *states: MemberState) -> Health:
    async def look_up(domains: Sequence[str]) -> Mapping[str, MemberState]:
        return dict(zip(domains, states, strict=True))

    return Health(running, look_up, stuck_s=5.0)


async def test_a_process_with_a_blocked_event_loop_is_not_live() -> None:
    assert (await health(threads(0.1, 4.0)).live())[0]
    good, body = await health(threads(0.1, 6.0)).live()
    assert not good
    assert body["stuck"] == ["d1"]


async def test_a_domain_that_waits_to_start_again_does_not_make_the_process_dead() -> None:
    [thread] = threads(60.0)
    thread.is_running = False
    assert (await health([thread]).live())[0]


async def test_a_process_is_ready_when_each_domain_is() -> None:
    assert (await health(threads(0, 0), READY, READY).ready())[0]
    good, body = await health(threads(0, 0), READY, RESTORING).ready()
    assert not good
    assert body["domains"]["d1"] == {"ready": False, "detail": RESTORING.detail}


async def test_a_process_that_stops_is_not_ready_but_live() -> None:
    stopping = health(threads(0), READY)
    stopping.stopping = True
    assert await stopping.ready() == (False, {"status": "stopping"})
    assert (await stopping.live())[0]


async def test_a_broker_that_does_not_answer_is_named() -> None:
    async def away(_: Sequence[str]) -> Mapping[str, MemberState]:
        raise LogUnavailableError("no answer from the broker")

    good, body = await Health(threads(0), away, stuck_s=5.0).ready()
    assert not good
    assert body["status"] == "the broker does not answer"
