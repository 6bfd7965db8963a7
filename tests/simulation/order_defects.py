"""Planted defects of append order."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from faust_redis.driver.commit.dependencies import Dependencies
from faust_redis.driver.delivery.append_order import AppendOrder
from faust_redis.driver.delivery.turns import Turns

from tests.simulation.planting import Defect, replace_method


def _runs_do_not_wait(stack: ExitStack) -> None:
    def may_begin(self: Turns, tp: Any) -> bool:
        return tp not in self._state.parked

    replace_method(stack, Turns, "_may_begin", may_begin)


def _later_runs_commit_first(stack: ExitStack) -> None:
    replace_method(stack, Dependencies, "follow", lambda *_: None)


def _retries_are_overtaken(stack: ExitStack) -> None:
    replace_method(stack, Turns, "withhold", lambda *_: None)


def _unread_topics_are_empty(stack: ExitStack) -> None:
    def next_run(self: AppendOrder, tps: Any) -> Any:
        return old(self, [tp for tp in tps if tp in self.waiting])

    old = replace_method(stack, AppendOrder, "next_run", next_run)


ORDER_DEFECTS: dict[str, Defect] = {
    "runs_do_not_wait": Defect(
        "a run of one topic begins before the run of another before it is done", planter=_runs_do_not_wait
    ),
    "later_runs_commit_first": Defect(
        "a run is committed before a finished run of another topic before it", planter=_later_runs_commit_first
    ),
    "retries_are_overtaken": Defect(
        "later events go on while a failed one waits", planter=_retries_are_overtaken, near=40
    ),
    "unread_topics_are_empty": Defect(
        "a topic that was not read yet holds up nothing", planter=_unread_topics_are_empty, near=100
    ),
}
