"""The worker processes that `dev` starts."""

import pytest

from deploy.run.dev import worker_command
from deploy.run.worker_plan import expected_members, worker_plan
from deploy.settings import Settings
from tables.domains import TOPOLOGY

ALL = TOPOLOGY.names
WITHOUT_FINANCIAL = tuple(name for name in ALL if name != "financial")
TWICE_GAMIFICATION = ("trading", "gamification", *WITHOUT_FINANCIAL[1:])


@pytest.mark.parametrize(
    ("text", "processes"),
    [
        ("1", (ALL,)),
        ("3", (ALL, ALL, ALL)),
        ("trading=2", (("trading",), *((name,) for name in ALL))),
        ("trading=1, gamification=2, financial=0", tuple((name,) for name in TWICE_GAMIFICATION)),
    ],
)
def test_a_plan_names_the_domains_of_each_process(text: str, processes: tuple[tuple[str, ...], ...]) -> None:
    assert worker_plan(text) == processes


def test_readiness_wants_as_many_members_of_a_group_as_processes_run_its_domain() -> None:
    assert expected_members(worker_plan("2")) == dict.fromkeys(ALL, 2)
    members = dict.fromkeys(WITHOUT_FINANCIAL, 1) | {"trading": 2}
    assert expected_members(worker_plan("trading=2,financial=0")) == members


def test_a_process_that_runs_some_domains_is_named_after_them_and_gets_their_options() -> None:
    name, command = worker_command(Settings(broker_url="redis://h"), 2, ("trading",), 0)
    assert name == "worker 2 (trading)"
    assert command.argv[-2:] == ["--domain", "trading"]
    name, command = worker_command(Settings(broker_url="redis://h"), 1, ALL, 0)
    assert name == "worker 1"
    assert command.argv[-1] == "worker"
