"""The rules: what breaks the SLO, what makes a step invalid, and what is the bottleneck."""

import msgspec

from tests.load.made import WORK, sample, step, with_use
from tests.load.options import Slo
from tests.load.verdict import bottleneck, broken, invalid

SLO = Slo()


def _late(by_s: float, of: int) -> list:  # type: ignore[type-arg]
    return [sample(n / 10, visible_s=n / 10 + (by_s if n < of else 0.02)) for n in range(1_000)]


def test_a_quiet_step_is_good_and_valid() -> None:
    assert broken(step(), SLO) == []
    assert invalid(step(), SLO) is None


def test_more_than_one_in_a_hundred_that_is_late_breaks_the_slo() -> None:
    assert broken(step(_late(0.251, 10)), SLO) == []
    assert broken(step(_late(0.251, 11)), SLO) == ["p99 of due to visible is 251 ms, over 250"]


def test_errors_break_the_slo() -> None:
    refused = [sample(n / 10, status=503 if n < 2 else 202) for n in range(1_000)]
    assert broken(step(refused), SLO) == ["0.20% of the requests failed, over 0.10%"]
    assert broken(step([sample(n / 10, status=503 if n < 1 else 202) for n in range(1_000)]), SLO) == []


def test_a_domain_that_is_behind_breaks_the_slo() -> None:
    behind = {"trading": WORK, "social": msgspec.structs.replace(WORK, behind_s=10.5)}
    assert broken(step(domains=behind), SLO) == ["a domain was 10.5 s behind, over 10"]


def test_a_generator_that_lags_makes_the_step_invalid() -> None:
    lagging = step([sample(n / 10, sent_s=n / 10 + 0.06) for n in range(100)])
    assert invalid(lagging, SLO) == "the generator sent 1 % of the requests over 60 ms late, over 50"


def test_the_process_that_uses_up_a_core_is_the_bottleneck() -> None:
    found = bottleneck(with_use(step(), gateway=(0.93, 0.95), trading=(0.4, 0.6)))
    assert (found.holds, found.name) == ("process", "gateway")
    assert "probe" in found.evidence[-1]


def test_of_two_processes_that_want_a_core_the_one_that_works_more_is_the_bottleneck() -> None:
    found = bottleneck(with_use(step(machine=1.0), broker=(0.8, 1.1), social=(0.7, 1.6)))
    assert found.name == "broker"
    assert "evalsha" in found.evidence[-1]


def test_a_machine_whose_cores_others_use_is_the_bottleneck_and_the_process_it_holds_up_is_named() -> None:
    found = bottleneck(with_use(step(machine=1.0, load=30.0), social=(0.3, 2.0)))
    assert (found.holds, found.name) == ("machine", "machine")
    assert "held up by that: social" in found.evidence[-1]
    assert "1.00 cores of it with processes that are not ours" in found.evidence[1]


def test_when_nothing_is_full_the_slowest_domain_waits() -> None:
    slow = [sample(1.0), sample(2.0, domain="social", visible_s=2.9)]
    found = bottleneck(step(slow))
    assert (found.holds, found.name) == ("waiting", "social")
    assert "10 commits/s of 9.0 records, 4.0 ms each" in found.evidence[-1]


def test_the_clients_are_no_bottleneck_of_the_product() -> None:
    assert bottleneck(with_use(step(), **{"generator-1": (1.0, 1.0)})).holds == "waiting"
