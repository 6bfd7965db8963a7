"""The script of faults: the seed determines all of it, and some seeds together contain every fault."""

from itertools import pairwise

import pytest

from tests.faults.plan import API, FIRST_WORKERS, SERVER, SLOTS, WORKERS_MAX, WORKERS_MIN, Fault, Kind, plan

SEEDS = range(100)
FAULTS = 10


def test_the_same_seed_gives_the_same_script_and_another_seed_another() -> None:
    assert plan(7, FAULTS) == plan(7, FAULTS)
    assert len({plan(seed, FAULTS) for seed in SEEDS}) == len(SEEDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_script_keeps_the_number_of_workers_in_bounds_and_hits_only_running_ones(seed: int) -> None:
    running = set(SLOTS[:FIRST_WORKERS])
    for fault in plan(seed, FAULTS):
        if fault.kind is Kind.ADD:
            assert fault.victim not in running
            running.add(fault.victim)
        else:
            assert fault.victim in {*running, API, SERVER}
        if fault.kind is Kind.REMOVE:
            running.remove(fault.victim)
        assert WORKERS_MIN <= len(running) <= WORKERS_MAX


@pytest.mark.parametrize("seed", SEEDS)
def test_moments_come_in_order_while_work_is_left(seed: int) -> None:
    moments = [fault.at for fault in plan(seed, FAULTS)]
    assert moments == sorted(moments)
    assert 0 <= moments[0] <= moments[-1] < 1


def test_over_some_seeds_every_kind_of_fault_hits_each_possible_victim() -> None:
    scripts = [plan(seed, FAULTS) for seed in SEEDS]
    met = {(fault.kind, victim_kind(fault)) for script in scripts for fault in script}
    assert met == {
        *((kind, "worker") for kind in Kind),
        *((kind, API) for kind in (Kind.KILL, Kind.CUT, Kind.CUT_REPLY, Kind.STALL)),
        *((kind, SERVER) for kind in (Kind.KILL, Kind.PAUSE)),
    }
    assert any(fault.wipe for script in scripts for fault in script)
    assert any(one.at == other.at for script in scripts for one, other in pairwise(script)), "several at once"


def test_workers_pause_for_less_and_for_more_than_their_lease() -> None:
    paused = [fault.seconds for seed in SEEDS for fault in plan(seed, FAULTS) if fault.kind is Kind.PAUSE]
    assert min(paused) < 1.0
    assert max(paused) > 2.0


def victim_kind(fault: Fault) -> str:
    return fault.victim if fault.victim in {API, SERVER} else "worker"
