"""A delayed domain's commands are answered by their policies; those of other domains are not affected."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from api import domains
from api.kit.commands.admission import MEMBERLESS_S, RETRY_AFTER_S, Admission, WhenDelayed
from api.kit.problems import DOMAIN_DELAYED, Problem
from streams.events.base import EventData
from streams.events.market import PriceUpdated
from streams.events.trading import CloseTrade, OpenTrade, ReportFill
from tables.domains import TOPOLOGY


@dataclass
class Sample:
    domain: str
    workers: int = 1
    behind_s: float = 0.0


class Judge:
    """An admission with a clock that the test moves. `other` owns CloseTrade here, to have a second domain."""

    def __init__(self, behind_max_s: int = 30) -> None:
        self.now_s = 100.0
        policies: dict[str, dict[type[EventData], WhenDelayed]] = {
            "trading": {OpenTrade: WhenDelayed.REFUSE, ReportFill: WhenDelayed.ACCEPT},
            "other": {CloseTrade: WhenDelayed.REFUSE},
        }
        self.admission = Admission(policies, behind_max_s, clock=lambda: self.now_s)

    def refusal(self, sample: Sample) -> Problem | None:
        """Note a sample in which all is well but for one domain. Return how its order is refused, if it is."""
        self.admission.note([sample, Sample("other")])
        self.admission.require(CloseTrade)
        assert self.admission.delay_of(CloseTrade) is None
        self.admission.require(ReportFill)
        problem = None
        try:
            self.admission.require(OpenTrade)
        except Problem as exc:
            problem = exc
        assert self.admission.delay_of(ReportFill) == (problem and problem.extra["delayed"])
        return problem


def test_a_domain_that_is_too_far_behind_refuses_or_accepts_by_the_policy_of_the_command() -> None:
    judge = Judge()
    assert judge.refusal(Sample("trading", behind_s=30.0)) is None
    problem = judge.refusal(Sample("trading", behind_s=30.5))
    assert problem is not None
    assert problem.kind is DOMAIN_DELAYED
    assert problem.headers == {"Retry-After": str(RETRY_AFTER_S)}
    assert problem.extra == {"delayed": {"domain": "trading", "why": "behind", "behind_s": 30.5}}
    assert judge.refusal(Sample("trading", behind_s=1.0)) is None


def test_a_domain_is_down_when_it_has_had_no_worker_for_a_while() -> None:
    judge = Judge()
    assert judge.refusal(Sample("trading", workers=0)) is None
    judge.now_s += MEMBERLESS_S - 0.1
    assert judge.refusal(Sample("trading", workers=0)) is None, "a worker may restart meanwhile"
    judge.now_s += 0.1
    problem = judge.refusal(Sample("trading", workers=0, behind_s=2.0))
    assert problem is not None
    assert problem.extra == {"delayed": {"domain": "trading", "why": "down", "behind_s": 2.0}}
    assert judge.refusal(Sample("trading")) is None
    assert judge.refusal(Sample("trading", workers=0)) is None, "the time counts anew"


def test_nothing_is_refused_while_nothing_is_known() -> None:
    judge = Judge()
    assert judge.refusal(Sample("trading", behind_s=31)) is not None
    judge.admission.note(())
    judge.admission.require(OpenTrade)
    assert judge.admission.delay_of(ReportFill) is None


def test_0_accepts_all_commands_always() -> None:
    assert Judge(behind_max_s=0).refusal(Sample("trading", workers=0, behind_s=1e6)) is None


@pytest.mark.parametrize(
    ("command", "policy"),
    [
        (OpenTrade, WhenDelayed.REFUSE),
        (CloseTrade, WhenDelayed.REFUSE),
        (ReportFill, WhenDelayed.ACCEPT),
        (PriceUpdated, WhenDelayed.ACCEPT),
    ],
)
def test_orders_are_refused_and_facts_accepted(command: type, policy: WhenDelayed) -> None:
    policies = domains.policies(TOPOLOGY, domains.load(TOPOLOGY))
    assert policies["trading"][command] is policy
    assert set(policies["trading"]) == {OpenTrade, CloseTrade, ReportFill, PriceUpdated}
