"""How many steps the state machines take, together: few in CI, many in the gate."""

from __future__ import annotations

import os
from typing import Any, ClassVar, Final

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

VARIABLE: Final = "CHAIN_STEPS"
IN_CI: Final = 120
MACHINES: Final = ("fees", "astra", "staking", "paymaster", "genesis", "lending")
"""The machines, which take the same number of steps each."""
STEPS_AT_ONCE: Final = 40


class Machine(RuleBasedStateMachine):
    """A state machine that counts its steps."""

    steps: ClassVar[int] = 0

    @classmethod
    def count(cls) -> None:
        Machine.steps += 1


def steps_of_each() -> int:
    """Return the number of steps of each machine."""
    return int(os.environ.get(VARIABLE, IN_CI)) // len(MACHINES)


def run(machine: Any, *, shrink: bool = True) -> int:
    """Run a machine until it has taken its steps, and return how many it took.

    On a failure, look for a shorter example when asked to.
    """
    budget, Machine.steps = steps_of_each(), 0
    while (left := budget - Machine.steps) > 0:
        examples = max(1, min(200, left // STEPS_AT_ONCE))
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=examples,
                stateful_step_count=STEPS_AT_ONCE,
                deadline=None,
                database=None,
                print_blob=True,
                report_multiple_bugs=False,
                phases=[phase for phase in Phase if shrink or phase is not Phase.shrink],
                suppress_health_check=list(HealthCheck),
            ),
        )
    return Machine.steps
