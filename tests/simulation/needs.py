"""Agents that need only some records: in some seeds the first agent takes no input that leads to nothing."""

from __future__ import annotations

from collections.abc import Container
from contextlib import ExitStack
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

from faust_redis.driver.commit.offset_tracker import OffsetTracker
from faust_redis.driver.delivery.batches import Needs
from faust_redis.driver.delivery.in_flight import InFlight

from tests.simulation.planting import Defect, replace_method
from tests.simulation.topology import IN, outputs_of

if TYPE_CHECKING:
    from tests.simulation.plan import Plan
    from tests.simulation.world import World

CHANCE = 0.5


def draw(seed: int, plan: Plan) -> Plan:
    """Return a plan, for some seeds with an agent that needs only some records. No other draw depends on this."""
    return replace(plan, some_unneeded=Random(f"needs of {seed}").random() < CHANCE)


def needs_of(topic: str, plan: Plan) -> Needs | None:
    """Return what the agent of a topic needs; None when it needs all."""
    if not plan.some_unneeded or not plan.batch_records_max or topic != IN:
        return None
    return lambda value: bool(outputs_of(int(value or b""), plan.keys))


def unneeded(world: World, topic: str, partition: int) -> Container[int]:
    """Return the offsets of a partition whose records no agent needs."""
    needs = needs_of(topic, world.plan)
    if needs is None:
        return ()
    return {record.offset for record in world.history(topic, partition) if not needs(record.value)}


# --- planted defects --------------------------------------------------------------------------------------------------


def _past_unfinished(stack: ExitStack) -> None:
    def finish_run(self: OffsetTracker, tp: Any, _begin: int, end: int) -> None:
        partition = self._partitions[tp]
        partition.first_unfinished = max(partition.first_unfinished, end)

    replace_method(stack, OffsetTracker, "finish_run", finish_run)


def _never_finished(stack: ExitStack) -> None:
    replace_method(stack, InFlight, "skip", lambda *_: None)


NEEDS_DEFECTS: dict[str, Defect] = {
    "skipped_events_finish_those_before": Defect(
        "an event that no agent needs finishes all events before it", planter=_past_unfinished
    ),
    "skipped_events_never_finish": Defect("an event that no agent needs stays in flight", planter=_never_finished),
}
