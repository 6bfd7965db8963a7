"""A step of a deployment is done when a block has it, not when a receipt says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from contracts.account.account import Outcome, Signed
from contracts.clients.contract import Call
from contracts.deployment.plan import DeploymentError
from contracts.deployment.steps import Step, carry_out

STEPS = [Step(f"call {number}", calls=(Call(number, "f", ()),)) for number in range(2)]


@dataclass
class PreConfirming:
    """An account whose transactions have a receipt at once, and a block after two pauses."""

    outcome_is: Outcome = "succeeded"
    in_blocks: int = 0
    pauses: int = 0
    sent: list[int] = field(default_factory=list)

    async def nonce(self) -> int:
        return self.in_blocks

    async def prepare(self, _: Sequence[Call], nonce: int) -> Signed:
        return Signed("invoke", f"0x{nonce:x}", nonce, {})

    async def send(self, signed: Signed) -> None:
        self.sent.append(signed.nonce)

    async def outcome(self, _: str) -> tuple[Outcome, str]:
        return self.outcome_is, "refused"

    async def pause(self) -> None:
        self.pauses += 1
        self.in_blocks = self.pauses // 2


async def test_the_next_step_waits_until_a_block_has_the_one_before() -> None:
    account: Any = PreConfirming()
    done = [step async for step, _ in carry_out(account, STEPS, account.pause)]
    assert done == STEPS
    assert account.sent == [0, 1], "each has a number of its own"
    assert account.in_blocks == 2, "the caller finds the last one in a block, too"


async def test_a_step_that_is_reverted_ends_the_deployment() -> None:
    account: Any = PreConfirming("reverted")
    with pytest.raises(DeploymentError, match="was reverted: refused"):
        [step async for step, _ in carry_out(account, STEPS, account.pause)]
    assert account.sent == [0]
