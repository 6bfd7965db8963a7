"""Users' calls with a chain in memory: the allowance bounds what they cost, and none of them stops the others."""

from __future__ import annotations

from math import isnan

import pytest
from faust_redis.log import Log

from contracts.account.account import Bound
from contracts.indexer.addresses import padded
from contracts.indexer.errors import NodeError
from contracts.indexer.node import NodeRefusedError
from contracts.sink.calls import DAY_S
from contracts.sink.people import request_of
from contracts.sink.sink import Sink
from contracts.sink.sponsoring import LINK_S, MARGIN_PERCENT, most_steps
from streams.events import AnyEvent
from streams.events.chain import SponsoredCallReported
from streams.events.user import SPONSOR_CALL_OPEN_S
from streams.times import SECOND_US, Instant
from tests.chain.indexing import events_of
from tests.chain.sinking import data_of, tell
from tests.sink.facts import (
    asked,
    gained,
    linked,
    reinstated,
    requested,
    risen,
    sponsored,
    suspended,
    unlinked,
)
from tests.sink.sponsored_chain import ALLOWANCE, ESTIMATE, STEPS, TODAY_S, Chain
from tests.sink.test_sink import sink_of, until_idle

ADA, BOB = padded(0xA1), padded(0xB1)


class Clock:
    now_s = TODAY_S

    def __call__(self) -> Instant:
        return Instant(self.now_s * SECOND_US)


async def through_errors(sink: Sink, steps: int = 40) -> None:
    """Take some steps, as a service does, which goes on after an error of the node."""
    for _ in range(steps):
        try:
            await sink.step()
        except NodeError:
            continue


async def tell_of(log: Log, *events: AnyEvent) -> None:
    await tell(log, linked("ada", ADA), linked("bob", BOB), *events)


async def reasons(log: Log) -> dict[str, str]:
    found = data_of(await events_of(log), SponsoredCallReported)
    assert len(found) == len({each.call_id for each in found}), "each is reported once"
    return {each.call_id: each.reason or each.outcome for each in found}


def wallet(account: str) -> int:
    return int(account, 16)


async def test_a_reverted_call_is_refused_once_its_block_is_final_and_never_sent_again(log: Log) -> None:
    chain = Chain()
    chain.reverts.add(wallet(ADA))
    await tell_of(log, asked("c-1", "ada", ADA))
    await until_idle(sink_of(log, chain))
    chain.grow()
    await until_idle(sink_of(log, chain))
    assert (chain.sent, await reasons(log)) == ([wallet(ADA)], {}), "its block may be replaced"
    chain.on_l1 = 1
    chain.grow()
    await until_idle(sink_of(log, chain))
    assert (chain.sent, await reasons(log)) == ([wallet(ADA)], {"c-1": "call_reverted"})


async def test_a_call_whose_reverted_block_is_replaced_is_sent_again(log: Log) -> None:
    chain = Chain()
    chain.reverts.add(wallet(ADA))
    await tell_of(log, asked("c-1", "ada", ADA))
    await until_idle(sink_of(log, chain))
    chain.reverts.clear()
    chain.replace(0)
    await until_idle(sink_of(log, chain))
    assert len(chain.sent) == 2
    assert int(request_of("c-1"), 16) in chain.blocks[-1].sponsored
    chain.on_l1 = len(chain.blocks) - 1
    await tell(log, sponsored("c-1", "final"))
    await until_idle(sink_of(log, chain))
    assert await reasons(log) == {"c-1": "executed"}


async def test_a_call_whose_nonce_another_transaction_used_is_sent_again(log: Log) -> None:
    chain = Chain()
    chain.reverts.add(wallet(ADA))
    await tell_of(log, asked("c-1", "ada", ADA))
    await until_idle(sink_of(log, chain))
    chain.replace(0)
    chain.blocks[-1].outcomes = {padded(0xF): "succeeded"}
    chain.on_l1 = 1
    await until_idle(sink_of(log, chain))
    assert (len(chain.sent), await reasons(log)) == (2, {})


async def held(log: Log, chain: Chain, clock: Clock) -> Sink:
    """Return a sink that sent a call of Ada's, which is in no block, for so long that the sink may send again."""
    chain.holds = True
    chain.reverts.add(wallet(ADA))
    await tell_of(log, asked("c-1", "ada", ADA, before=TODAY_S + 20))
    sink = sink_of(log, chain, clock, send_again_s=60)
    await until_idle(sink)
    clock.now_s += 60
    return sink


async def finished(log: Log, chain: Chain, sink: Sink) -> dict[str, str]:
    """Return the reports after a block has what is held, and is final."""
    chain.holds = False
    chain.release()
    chain.on_l1 = len(chain.blocks) - 1
    chain.grow()
    await until_idle(sink)
    return await reasons(log)


async def test_a_call_whose_transaction_may_be_executed_is_not_given_up_as_expired(log: Log) -> None:
    chain = Chain()
    sink = await held(log, chain, Clock())
    chain.grow(time_s=TODAY_S + 20)
    await until_idle(sink)
    assert await reasons(log) == {}
    assert await finished(log, chain, sink) == {"c-1": "call_reverted"}


@pytest.mark.parametrize("refused", [0, wallet(ADA)])
async def test_a_call_whose_replacement_the_node_refuses_keeps_its_transaction(log: Log, refused: int) -> None:
    chain = Chain()
    sink = await held(log, chain, Clock())
    if not refused:
        await tell(log, requested("m-1", "ada"))
    chain.refuses.add(refused)
    chain.grow()
    with pytest.raises(NodeRefusedError):
        await until_idle(sink)
    chain.refuses.clear()
    later = Clock()
    later.now_s += 120
    assert await finished(log, chain, sink_of(log, chain, later)) == {"c-1": "call_reverted"}
    assert chain.sent.count(wallet(ADA)) == 1


class Racing(Chain):
    """A chain that makes a block of what is held after the sink has read the newest block."""

    async def outcome(self, tx_hash: str) -> tuple[str, str]:
        self.release()
        return await super().outcome(tx_hash)


async def test_a_block_that_comes_after_the_one_that_was_read_is_waited_for(log: Log) -> None:
    chain = Racing()
    sink = await held(log, chain, Clock())
    await until_idle(sink)
    assert await finished(log, chain, sink) == {"c-1": "call_reverted"}
    assert chain.sent == [wallet(ADA)]


async def test_reverted_calls_cost_the_sponsor_no_more_than_the_days_allowance(log: Log) -> None:
    chain = Chain()
    chain.reverts.add(wallet(ADA))
    sink = sink_of(log, chain)
    for number in range(9):
        await tell_of(log, asked(f"c-{number}", "ada", ADA))
        await until_idle(sink)
        chain.on_l1 = len(chain.blocks) - 1
        chain.grow()
        await until_idle(sink)
    fits = ALLOWANCE // STEPS
    assert fits == 3
    assert [*(await reasons(log)).values()] == ["call_reverted"] * fits + ["allowance_spent"] * (9 - fits)
    assert sum(map(most_steps, chain.bounds_sent)) <= ALLOWANCE
    chain.grow(time_s=TODAY_S + DAY_S)
    await tell_of(log, asked("c-9", "ada", ADA))
    await until_idle(sink_of(log, chain))
    assert len(chain.sent) == fits + 1, "a new day has a new allowance"


async def test_reverted_calls_count_before_their_blocks_are_final(log: Log) -> None:
    chain = Chain()
    chain.reverts.add(wallet(ADA))
    await tell_of(log, *(asked(f"c-{number}", "ada", ADA) for number in range(5)))
    await until_idle(sink_of(log, chain))
    assert len(chain.sent) == ALLOWANCE // STEPS
    assert await reasons(log) == {"c-3": "allowance_spent", "c-4": "allowance_spent"}


async def test_a_call_that_was_executed_counts_once_before_its_fact_is_read(log: Log) -> None:
    chain = Chain()
    await tell_of(log, *(asked(f"c-{number}", "ada", ADA) for number in range(3)))
    await until_idle(sink_of(log, chain))
    assert (len(chain.sent), chain.blocks[-1].used) == (3, {wallet(ADA): 3 * STEPS})


def test_gas_of_other_kinds_counts_by_its_price() -> None:
    assert most_steps({"L1_GAS": Bound(10, 700), "L1_DATA": Bound(1, 1), "L2_GAS": Bound(300, 7)}) == 14
    assert most_steps({"L1_GAS": Bound(0, 700), "L1_DATA": Bound(0, 1), "L2_GAS": Bound(101, 0)}) == 2


async def test_the_transaction_of_a_call_may_use_what_is_counted_and_no_more(log: Log) -> None:
    chain = Chain()
    await tell_of(log, asked("c-1", "ada", ADA))
    await until_idle(sink_of(log, chain))
    [bounds] = chain.bounds_sent
    assert chain.blocks[-1].used == {wallet(ADA): most_steps(bounds)}
    assert bounds["L2_GAS"].amount == ESTIMATE * MARGIN_PERCENT // 100


@pytest.mark.parametrize("error", [NodeError("no answer"), NodeRefusedError("starknet_call", -32603, "too long")])
async def test_a_call_that_the_node_cannot_judge_stops_no_other_and_is_given_up(log: Log, error: Exception) -> None:
    chain = Chain()
    await tell_of(log, asked("c-1", "ada", ADA), asked("c-2", "bob", BOB), requested("m-1", "bob"))
    chain.fails[ADA] = error
    await through_errors(sink_of(log, chain))
    assert sorted(chain.sent) == [0, wallet(BOB)]
    assert await reasons(log) == {"c-1": "not_answered"}


async def test_a_node_that_judges_nothing_costs_no_call(log: Log) -> None:
    chain = Chain()
    chain.is_away = True
    await tell_of(log, asked("c-1", "ada", ADA))
    sink = sink_of(log, chain)
    await through_errors(sink)
    assert await reasons(log) == {}
    chain.is_away = False
    await until_idle(sink)
    assert chain.sent == [wallet(ADA)]


async def test_a_call_whose_transaction_the_node_refuses_stops_no_other(log: Log) -> None:
    chain = Chain()
    chain.refuses.add(wallet(ADA))
    await tell_of(log, asked("c-1", "ada", ADA), asked("c-2", "bob", BOB), requested("m-1", "bob"))
    await through_errors(sink_of(log, chain))
    assert sorted(chain.sent) == [0, wallet(BOB)]
    assert await reasons(log) == {}


async def test_a_call_whose_nonce_another_transaction_takes_is_sent_again_before_its_block_is_final(log: Log) -> None:
    chain = Chain()
    chain.refuses.add(wallet(ADA))
    await tell_of(log, asked("c-1", "ada", ADA), asked("c-2", "bob", BOB))
    sink = sink_of(log, chain)
    with pytest.raises(NodeRefusedError):
        await until_idle(sink)
    chain.refuses.clear()
    await until_idle(sink)
    assert chain.sent == [wallet(BOB), wallet(ADA)]


async def test_a_pause_of_the_paymaster_refuses_no_call(log: Log) -> None:
    chain = Chain()
    chain.is_paused = True
    await tell_of(log, asked("c-1", "ada", ADA), requested("m-1", "bob"))
    sink = sink_of(log, chain)
    await through_errors(sink)
    assert (chain.sent, await reasons(log)) == ([0], {}), "mints go on"
    chain.is_paused = False
    await until_idle(sink)
    assert chain.sent == [0, wallet(ADA)]


async def test_calls_leave_mints_and_experience_their_turn(log: Log) -> None:
    chain = Chain()
    users = [f"user-{number}" for number in range(6)]
    for number, user in enumerate(users):
        await tell(log, linked(user, padded(0xC0 + number)), asked(f"c-{number}", user, padded(0xC0 + number)))
    await tell_of(log, requested("m-1", "ada"), gained("bob", 200), risen("bob", 2))
    await through_errors(sink_of(log, chain))
    assert chain.sent.index(0) == 1, "the mint follows the first call"
    assert chain.sent[2] == 0, "and the experience follows the mint"


async def test_calls_of_a_suspended_user_and_of_anothers_reputation_are_refused(log: Log) -> None:
    chain = Chain()
    await tell_of(log, gained("ada", 200), risen("ada", 2))
    sink = sink_of(log, chain)
    await until_idle(sink)
    await tell(log, unlinked("ada", ADA), linked("bob", ADA), asked("c-1", "bob", ADA))
    await tell(log, suspended("bob"), asked("c-2", "bob", BOB))
    await until_idle(sink)
    assert await reasons(log) == {"c-1": "account_suspended", "c-2": "account_suspended"}
    await tell(
        log, reinstated("bob"), asked("c-3", "bob", ADA), asked("c-4", "bob", BOB), asked("c-5", "bob", padded(9))
    )
    await until_idle(sink)
    found = await reasons(log)
    assert (found["c-3"], found["c-5"]) == ("no_allowance", "wallet_not_linked")
    assert chain.sent == [0, wallet(BOB)]


async def test_the_window_is_judged_by_the_time_of_blocks(log: Log) -> None:
    chain, clock = Chain(), Clock()
    await tell_of(log, asked("c-1", "ada", ADA, execute_after=TODAY_S + 10, before=TODAY_S + 20))
    await tell(log, asked("c-2", "bob", BOB, before=TODAY_S + 20))
    clock.now_s = TODAY_S + 30
    sink = sink_of(log, chain, clock)
    await until_idle(sink)
    assert (chain.sent, await reasons(log)) == ([wallet(BOB)], {}), "no block is so late"
    chain.grow(time_s=TODAY_S + 20)
    await until_idle(sink)
    assert (chain.sent, await reasons(log)) == ([wallet(BOB)], {"c-1": "expired"})


async def test_a_call_that_waits_for_a_day_is_given_up(log: Log) -> None:
    chain, clock = Chain(), Clock()
    chain.is_paused = True
    await tell_of(log, asked("c-1", "ada", ADA), asked("c-2", "bob", BOB, execute_after=2**39))
    sink = sink_of(log, chain, clock)
    await through_errors(sink)
    clock.now_s += SPONSOR_CALL_OPEN_S
    chain.grow()
    await through_errors(sink)
    assert await reasons(log) == {"c-1": "expired", "c-2": "expired"}


async def test_a_reverted_call_makes_nobody_wait(log: Log) -> None:
    chain = Chain()
    chain.reverts.add(wallet(ADA))
    await tell_of(log, asked("c-1", "ada", ADA), asked("c-2", "bob", BOB))
    await until_idle(sink_of(log, chain, send_again_s=3_600))
    assert chain.sent == [wallet(ADA), wallet(BOB)]


async def test_the_balance_for_gas_is_read_once_a_minute(log: Log) -> None:
    chain = Chain()
    sink = sink_of(log, chain)
    assert isnan(sink.gas.tokens)
    for _ in range(3):
        chain.grow()
        await until_idle(sink)
    assert (sink.gas.tokens, chain.balances_asked) == (7.0, 1)


async def test_a_wallet_whose_link_is_published_late_is_waited_for(log: Log) -> None:
    chain, clock = Chain(), Clock()
    await tell(log, asked("c-1", "ada", ADA, age_s=0), asked("c-2", "bob", BOB, age_s=0))
    sink = sink_of(log, chain, clock)
    await until_idle(sink)
    assert await reasons(log) == {}
    await tell(log, linked("ada", ADA))
    await until_idle(sink)
    clock.now_s += LINK_S
    chain.grow()
    await until_idle(sink)
    assert (chain.sent, await reasons(log)) == ([wallet(ADA)], {"c-2": "wallet_not_linked"})
