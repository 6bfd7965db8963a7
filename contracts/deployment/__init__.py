"""Deploys our contracts and checks them against a plan.

`plan.py` says from a file which contracts there will be and where, without I/O; `steps.py` finds what a chain lacks and
does it; `verification.py` compares a chain with the plan.
"""

from contracts.deployment.plan import DeploymentError, Plan, Planned, declared_class, parse, planned, planned_at
from contracts.deployment.steps import Step, carry_out, class_at, steps, steps_of

__all__ = [
    "DeploymentError",
    "Plan",
    "Planned",
    "Step",
    "carry_out",
    "class_at",
    "declared_class",
    "parse",
    "planned",
    "planned_at",
    "steps",
    "steps_of",
]
