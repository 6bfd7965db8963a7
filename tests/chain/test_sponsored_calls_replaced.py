"""Users' calls while sinks are killed, blocks are replaced and the wallet reverts by chance: each has one true end."""

from __future__ import annotations

import os
import random
from collections import Counter
from typing import Any

import pytest
from faust_redis.log import Log

from contracts.indexer.addresses import padded
from contracts.indexer.errors import NodeError
from contracts.sink.people import request_of
from streams.events.chain import SponsoredCallReported
from tests.chain.conftest import GATE
from tests.chain.deployed import Chain
from tests.chain.fees import Fees
from tests.chain.hashing_node import HashingNode
from tests.chain.indexing import catch_up, events_of
from tests.chain.sinking import Rewards, data_of, replace_some_blocks, rewards_indexer_of, sink_of, tell
from tests.chain.sponsoring import ALLOWANCES
from tests.chain.test_sink import carry_all
from tests.chain.test_sponsored_calls import FRIEND, ask, l2_price_of, node, rewards, signed, user
from tests.chain.transactions import Account
from tests.sink.facts import gained, linked, risen

__all__ = ["node", "rewards", "user"]

SEEDS = range(20 if os.environ.get(GATE) else 1)
ROUNDS, DIAMOND_XP = 5, 150_000


class Moody:
    """A wallet that at times has no tokens any more when its transaction is executed."""

    def __init__(self, chance: random.Random, fees: Fees, user: Account, elsewhere: int) -> None:
        self._chance, self._fees, self._user, self._elsewhere = chance, fees, user, elsewhere

    def refill(self) -> None:
        self._fees.usd.invoke("mint", self._user.address, 1_000)

    def before(self, method: str, _: object) -> None:
        """Empty the wallet before some transactions."""
        if method == "starknet_addInvokeTransaction" and self._chance.random() < 0.3:
            left = self._fees.balance(self._user.address)
            if left:
                self._fees.usd.invoke("transfer", self._elsewhere, left, by=self._user)


def costs(chain: Chain, sender: int, first: int) -> Counter[str]:
    """Return what the transactions of an account cost in Cairo steps, by their outcome, after a block."""
    found: Counter[str] = Counter()
    for number in range(first + 1, chain.node.height() + 1):
        block = chain.node.ask("starknet_getBlockWithReceipts", block_id={"block_number": number})
        for each in block["transactions"]:
            if int(each["transaction"].get("sender_address", "0x0"), 16) == sender:
                receipt = {"block_number": number, **each["receipt"]}
                fee, price = (int(text, 16) for text in (receipt["actual_fee"]["amount"], l2_price_of(chain, receipt)))
                found[receipt["execution_status"]] += -(-fee // (100 * price))
    return found


@pytest.mark.heavy
@pytest.mark.parametrize("seed", SEEDS)
async def test_each_call_has_one_true_end_through_kills_and_reorganisations(
    chain: Chain, rewards: Rewards, node: HashingNode, log: Log, user: Account, *, seed: int
) -> None:
    chance, final, asked = random.Random(seed), chain.node.height(), 0
    wallet = Moody(chance, rewards.sponsoring.fees, user, chain.accounts[7].address)
    await tell(log, linked("ann", padded(user.address)), gained("ann", DIAMOND_XP), risen("ann", 9))
    async with sink_of(rewards, log, node.url) as sink, rewards_indexer_of(rewards, log, node.url) as indexer:
        await carry_all(sink, indexer)
    first = final = chain.node.height()
    for _ in range(ROUNDS):
        wallet.refill()
        for _ in range(chance.randint(0, 3)):
            asked += 1
            await ask(log, signed(user, rewards, f"c-{asked:02}", nonce=padded(1_000 + asked)))
        async with (
            sink_of(rewards, log, node.url) as sink,
            sink_of(rewards, log, node.url) as other,
            rewards_indexer_of(rewards, log, node.url) as indexer,
        ):
            node.instead = wallet.before
            for _ in range(chance.randint(3, 20)):
                try:
                    await chance.choice([sink.step, other.step, indexer.step])()
                except NodeError:
                    continue
            node.instead = None
            if chance.random() < 0.6:
                replace_some_blocks(chance, chain, node, final)
            if chance.random() < 0.3:
                await catch_up(indexer)
                final = indexer.counts.cursor
                with node.on_l1(final):
                    await catch_up(indexer)
    wallet.refill()
    async with sink_of(rewards, log, node.url) as sink, rewards_indexer_of(rewards, log, node.url) as indexer:
        for _ in range(4):
            with node.on_l1(chain.node.height()):
                chain.node.ask("devnet_createBlock")
                await carry_all(sink, indexer)
        assert not (await sink.open()).calls.calls
    said: list[Any] = data_of(await events_of(log), SponsoredCallReported)
    assert sorted(each.call_id for each in said) == [f"c-{number:02}" for number in range(1, asked + 1)]
    paymaster, executed = rewards.sponsoring.paymaster, [each for each in said if each.outcome == "executed"]
    for each in said:
        happened = paymaster.call("is_sponsored", int(request_of(each.call_id), 16))
        assert happened == (each.outcome == "executed"), each
    assert rewards.sponsoring.fees.balance(FRIEND) == 10 * len(executed)
    used = ALLOWANCES[-1] - paymaster.call("gas_left", user.address)
    assert used == sum(each.gas for each in executed)
    cost = costs(chain, rewards.account.address, first)
    assert cost["SUCCEEDED"] <= used
    assert used + cost["REVERTED"] <= ALLOWANCES[-1]
