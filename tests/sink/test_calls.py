"""Users' calls: each is sent until an accepted block has it, and reported once, when a final block has it."""

from __future__ import annotations

import pytest

from contracts.indexer.addresses import padded
from contracts.sink.calls import CALL_PREFIX, DAY_S, OPEN_CALLS_MAX, REVERTED, Attempt, Calls
from contracts.sink.people import ToRecord
from streams.events import AnyEvent
from streams.events.chain import FactFinality, SponsoredCallReported
from streams.events.user import SPONSOR_CALL_OPEN_S
from streams.times import SECOND_US
from tests.sink.facts import NOW, PAYMASTER, SPONSOR, asked, gained, linked, raised, risen, sponsored
from tests.sink.test_people import told

WALLET, OTHER = padded(0xA1), padded(0xA2)
NOW_S = NOW // SECOND_US
DAY = NOW_S // DAY_S


def calls_of(*events: AnyEvent) -> Calls:
    calls = Calls(PAYMASTER, SPONSOR)
    for event in events:
        assert calls.apply(event) == []
    return calls


def to_send(calls: Calls, now_s: int = NOW_S) -> list[str]:
    return [call_id for call_id, _ in calls.to_send(NOW_S, now_s)]


def again(calls: Calls) -> Calls:
    """Return them as they are after a restart."""
    return Calls(PAYMASTER, SPONSOR, {key: row for key in calls.changed if (row := calls.row(key)) is not None})


def test_calls_are_sent_in_their_order_once_their_time_has_come() -> None:
    calls = calls_of(asked("c-2", "ada"), asked("c-1", "bob"), asked("c-3", "ada", execute_after=NOW_S))
    calls.apply(asked("c-2", "ada"))
    assert to_send(calls) == ["c-2", "c-1"]


def test_a_call_in_a_block_that_was_replaced_is_sent_again() -> None:
    calls = calls_of(asked("c-1", "ada"), sponsored("c-1", "accepted"))
    assert to_send(calls) == []
    assert calls.apply(sponsored("c-1", "retracted")) == []
    assert to_send(calls) == ["c-1"]


def test_a_final_fact_of_the_paymaster_is_reported_to_the_user_once() -> None:
    calls = calls_of(asked("c-1", "ada"), sponsored("c-1", "accepted"))
    assert calls.apply(sponsored("c-1", "final", contract=OTHER)) == []
    [event] = calls.apply(sponsored("c-1", "final"))
    assert event.data == SponsoredCallReported(
        call_id="c-1", user_id="ada", outcome="executed", tx_hash=padded(2), gas=7
    )
    assert event.partitionkey == "ada"
    assert calls.apply(sponsored("c-1", "final")) == []
    assert (calls.calls, calls.row(f"{CALL_PREFIX}c-1")) == ({}, None)


def test_a_user_has_no_more_than_five_open_calls() -> None:
    calls = calls_of(*(asked(f"c-{number}", "ada") for number in range(OPEN_CALLS_MAX)))
    [event] = calls.apply(asked("c-9", "ada"))
    assert event.data == SponsoredCallReported(call_id="c-9", user_id="ada", outcome="refused", reason="too_many_calls")
    assert calls.apply(asked("c-8", "bob")) == []
    calls.refuse("c-0", "expired")
    assert calls.apply(asked("c-9", "ada")) == []


def test_calls_are_the_same_after_a_restart() -> None:
    calls = calls_of(asked("c-1", "ada"), asked("c-2", "bob"), sponsored("c-1", "accepted"))
    calls.note_attempt("c-2", Attempt(padded(9), 4, 700, DAY))
    calls.apply(sponsored("c-3", "accepted"))
    calls.refuse("c-1", "expired")
    found = again(calls)
    assert (found.calls, found.counts) == (calls.calls, calls.counts)
    assert len(found.apply(sponsored("c-2", "final"))) == 1


@pytest.mark.parametrize("finality", ["accepted", "final"])
def test_a_fact_that_is_read_before_its_command_counts(finality: FactFinality) -> None:
    calls = again(calls_of(sponsored("c-1", "accepted"), *[sponsored("c-1", "final")] * (finality == "final")))
    for number in range(OPEN_CALLS_MAX):
        calls.apply(asked(f"o-{number}", "ada"))
    said = calls.apply(asked("c-1", "ada"))
    assert "c-1" not in to_send(calls)
    if finality == "accepted":
        assert said == [], "it is not refused either, as it takes a place that it has"
        said = calls.apply(sponsored("c-1", "final"))
    [event] = said
    assert (event.data.outcome, event.partitionkey, calls.counts) == ("executed", "ada", {})  # type: ignore[attr-defined]
    calls.apply(sponsored("c-2", "accepted"))
    calls.apply(sponsored("c-2", "retracted"))
    calls.apply(asked("c-2", "bob"))
    assert "c-2" in to_send(calls), "its block was replaced"


def test_a_call_that_was_never_sent_is_open_for_a_day() -> None:
    calls = calls_of(asked("c-1", "ada", execute_after=NOW_S + 10**6, age_s=0))
    assert to_send(calls, NOW_S + SPONSOR_CALL_OPEN_S - 1) == []
    assert to_send(calls, NOW_S + SPONSOR_CALL_OPEN_S) == ["c-1"]
    calls.note_attempt("c-1", Attempt(padded(9), 4, 700, DAY))
    assert to_send(calls, NOW_S + SPONSOR_CALL_OPEN_S) == []


def test_what_a_reverted_call_has_cost_counts_on_its_day() -> None:
    calls = calls_of(*(asked(f"c-{number}", "ada") for number in range(4)))
    for number, day in enumerate((DAY, DAY, DAY - 1)):
        calls.note_attempt(f"c-{number}", Attempt(padded(9), number, 700, day))
        calls.refuse(f"c-{number}", REVERTED)
    calls.refuse("c-3", "expired")
    found = again(calls)
    assert (found.spent_by(WALLET, DAY), found.spent_by(OTHER, DAY), found.spent_by(WALLET, DAY + 1)) == (1400, 0, 0)


def test_a_fact_of_another_sponsor_without_a_command_is_not_kept() -> None:
    calls = calls_of(sponsored("c-1", "accepted", sponsor=OTHER), sponsored("c-1", "final", sponsor=OTHER))
    assert (calls.counts, calls.changed) == ({}, set())


def test_of_two_transactions_with_one_nonce_the_one_that_the_node_took_last_counts() -> None:
    calls = calls_of(asked("c-1", "ada"), asked("c-2", "ada"))
    calls.note_attempt("c-1", Attempt(padded(7), 4, 900, DAY))
    calls.note_attempt("c-1", Attempt(padded(8), 4, 700, DAY))
    assert calls.calls["c-1"].attempt == Attempt(padded(8), 4, 900, DAY, replaced=(padded(7),))
    calls.note_sent(4, padded(8))
    assert calls.calls["c-1"].attempt == Attempt(padded(8), 4, 900, DAY)
    calls.note_attempt("c-2", Attempt(padded(9), 4, 700, DAY))
    assert calls.calls["c-1"].attempt, "the node may refuse the later one"
    calls.note_sent(4, padded(9))
    assert calls.calls["c-1"].attempt is None
    assert [call_id for call_id, _ in calls.executed_of(WALLET, 5, DAY)] == ["c-2"]
    assert not [*calls.executed_of(WALLET, 4, DAY), *calls.executed_of(OTHER, 5, DAY)]


def test_the_level_that_the_chain_lacks_belongs_to_the_wallet_with_the_reputation() -> None:
    people = told(linked("ada", WALLET), linked("ada", OTHER), gained("ada", 100))
    assert people.record_of("ada") is None, "no level was reached"
    people.apply(risen("ada", 2))
    assert people.record_of("ada") == ToRecord("ada", WALLET, 100)
    people.apply(raised(WALLET, 100, "accepted"))
    assert people.record_of("ada") is None
    assert people.record_of("nobody") is None
