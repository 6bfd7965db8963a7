"""Users' calls: each is sent until an accepted block has it, and reported once, when a final block has it."""

from __future__ import annotations

from contracts.indexer.addresses import padded
from contracts.sink.calls import CALL_PREFIX, OPEN_CALLS_MAX, Calls
from contracts.sink.people import ToRecord
from streams.events import AnyEvent
from streams.events.chain import SponsoredCallReported
from tests.sink.facts import PAYMASTER, asked, gained, linked, raised, risen, sponsored
from tests.sink.test_people import told

WALLET, OTHER = padded(0xA1), padded(0xA2)
NOW_S = 100


def calls_of(*events: AnyEvent) -> Calls:
    calls = Calls(PAYMASTER)
    for event in events:
        assert calls.apply(event) == []
    return calls


def to_send(calls: Calls) -> list[str]:
    return [call_id for call_id, _ in calls.to_send(NOW_S)]


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
    assert calls.apply(sponsored("c-9", "final")) == []
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
    rows = {key: calls.row(key) or b"" for key in calls.changed}
    again = Calls(PAYMASTER, rows)
    assert again.calls == calls.calls
    assert len(again.apply(sponsored("c-2", "final"))) == 1


def test_the_level_that_the_chain_lacks_belongs_to_the_wallet_with_the_reputation() -> None:
    people = told(linked("ada", WALLET), linked("ada", OTHER), gained("ada", 100))
    assert people.record_of("ada") is None, "no level was reached"
    people.apply(risen("ada", 2))
    assert people.record_of("ada") == ToRecord("ada", WALLET, 100)
    people.apply(raised(WALLET, 100, "accepted"))
    assert people.record_of("ada") is None
    assert people.record_of("nobody") is None
