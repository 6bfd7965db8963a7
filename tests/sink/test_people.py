"""What the sink knows: mints wait for wallets, facts add and retractions take away, in whatever order events come."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.indexer.addresses import padded
from contracts.sink.people import People, ToRecord, request_of
from streams.events import AnyEvent
from streams.events.chain import FactFinality, NFTMintConfirmed
from streams.events.user import AccountClosed
from tests.sink.facts import (
    CONTRACTS,
    GENESIS,
    gained,
    linked,
    minted,
    raised,
    requested,
    risen,
    said,
    unlinked,
)

WALLET, OTHER = padded(0xA1), padded(0xA2)


def told(*events: AnyEvent) -> People:
    people = People(CONTRACTS)
    for event in events:
        people.apply(event)
    return people


def waiting(people: People) -> list[tuple[str, str]]:
    return [(each.mint_id, each.wallet) for each in people.to_mint()]


def due(people: People) -> list[tuple[str, int]]:
    return [(each.wallet, each.experience) for each in people.to_record()]


def test_a_mint_waits_until_its_user_links_a_wallet_on_this_chain() -> None:
    people = told(requested("m-1", "ada"), linked("ada", OTHER, "SN_MAIN"), linked("bob", OTHER))
    assert (waiting(people), people.without_wallet) == ([], 1)
    people.apply(linked("ada", WALLET))
    assert waiting(people) == [("m-1", WALLET)]
    assert people.without_wallet == 0


def test_a_mint_goes_to_the_wallet_that_was_linked_first_and_still_is() -> None:
    people = told(requested("m-1", "ada"), linked("ada", WALLET), linked("ada", OTHER), linked("ada", WALLET))
    assert waiting(people) == [("m-1", WALLET)]
    people.apply(unlinked("ada", WALLET))
    assert waiting(people) == [("m-1", OTHER)]
    people.apply(unlinked("ada", OTHER))
    assert people.without_wallet == 1


def test_a_token_is_reported_when_it_is_final_and_never_before() -> None:
    people = told(requested("m-1", "ada"), linked("ada", WALLET))
    assert people.apply(minted("m-1", 5, "accepted")) == []
    assert waiting(people) == []
    assert people.apply(minted("m-1", 5, "retracted")) == []
    assert waiting(people) == [("m-1", WALLET)]
    people.apply(minted("m-1", 6, "accepted"))
    [event] = people.apply(minted("m-1", 6, "final"))
    assert isinstance(event.data, NFTMintConfirmed)
    assert (event.data.mint_id, event.data.user_id, event.data.token_id) == ("m-1", "ada", "6")
    assert (event.data.finality, event.partitionkey) == ("final", GENESIS)
    assert not people.mints


def test_a_token_of_another_contract_or_request_means_nothing() -> None:
    people = told(requested("m-1", "ada"), linked("ada", WALLET))
    assert people.apply(minted("m-1", 5, "final", contract=padded(0x99))) == []
    assert people.apply(minted("m-2", 5, "final")) == []
    assert waiting(people) == [("m-1", WALLET)]


def test_a_token_that_is_read_before_its_request_counts() -> None:
    people = told(linked("ada", WALLET), minted("m-1", 5, "accepted"), requested("m-1", "ada"))
    assert waiting(people) == []
    assert people.apply(minted("m-1", 5, "retracted")) == []
    assert waiting(people) == [("m-1", WALLET)]
    people = told(minted("m-2", 6, "accepted"), minted("m-2", 6, "retracted"), requested("m-2", "ada"))
    assert people.mints["m-2"].token_id == 0
    people = told(minted("m-3", 7, "accepted"), minted("m-3", 7, "final"))
    [event] = people.apply(requested("m-3", "ada"))
    assert isinstance(event.data, NFTMintConfirmed)
    assert (event.data.mint_id, event.data.user_id, event.data.token_id) == ("m-3", "ada", "7")
    assert (event.data.tx_hash, event.partitionkey) == (padded(2), GENESIS)
    assert not people.mints
    assert not people.tokens


def test_experience_is_recorded_when_a_level_is_reached() -> None:
    people = told(linked("ada", WALLET), gained("ada", 90))
    assert due(people) == []
    people.apply(gained("ada", 120))
    people.apply(risen("ada", 2))
    assert due(people) == [(WALLET, 120)]
    people.apply(gained("ada", 150))
    assert due(people) == [(WALLET, 120)]


def test_a_retracted_record_is_due_again() -> None:
    people = told(linked("ada", WALLET), gained("ada", 120), risen("ada", 2), raised(WALLET, 120, "accepted"))
    assert due(people) == []
    people.apply(raised(WALLET, 120, "retracted"))
    assert due(people) == [(WALLET, 120)]


def test_a_retraction_leaves_the_record_below() -> None:
    people = told(linked("ada", WALLET), gained("ada", 500), risen("ada", 3))
    for event in (raised(WALLET, 500, "accepted"), raised(WALLET, 900, "accepted"), raised(WALLET, 900, "retracted")):
        people.apply(event)
    assert due(people) == []
    assert people.recorded[WALLET] == (500,)
    people.apply(raised(WALLET, 700, "accepted"))
    people.apply(raised(WALLET, 500, "final"))
    assert people.recorded[WALLET] == (500, 700)
    people.apply(raised(WALLET, 700, "final"))
    assert people.recorded[WALLET] == (700,)


def test_reputation_stays_with_the_first_wallet_and_is_nobody_elses() -> None:
    people = told(linked("ada", WALLET), gained("ada", 120), risen("ada", 2))
    people.bind([ToRecord("ada", WALLET, 120)])
    people.apply(linked("ada", OTHER))
    people.apply(unlinked("ada", WALLET))
    assert due(people) == [], "another wallet would have an allowance of its own"
    for event in (linked("bob", WALLET), gained("bob", 400), risen("bob", 3)):
        people.apply(event)
    assert due(people) == [], "the wallet has the reputation of another user"
    people.apply(unlinked("bob", WALLET))
    people.apply(linked("ada", WALLET))
    assert due(people) == [(WALLET, 120)]


def test_a_wallet_that_moves_is_one_users_also_before_its_unlinking_is_read() -> None:
    events = [gained("ada", 120), risen("ada", 2), gained("bob", 900), risen("bob", 4)]
    people = told(*events, linked("ada", WALLET), linked("bob", WALLET))
    records = list(people.to_record())
    assert [each.wallet for each in records] == [WALLET]
    people.bind(records)
    assert [each.bound for each in people.users.values()] in (["", WALLET], [WALLET, ""])
    assert list(people.to_record()) == records


def test_a_refused_mint_ends() -> None:
    people = told(requested("m-1", "ada"), linked("ada", WALLET))
    failed = people.refuse("m-1")
    assert (failed.mint_id, failed.user_id, failed.reason) == ("m-1", "ada", "already_minted")
    assert waiting(people) == []
    assert people.row("mint-m-1") is None
    for event in (linked("ada", OTHER), unlinked("ada", WALLET), requested("m-2", "ada")):
        people.apply(event)
    assert waiting(people) == [("m-2", OTHER)]


def test_a_closed_account_keeps_its_mints_open_and_its_reputation_to_itself() -> None:
    people = told(requested("m-1", "ada"), linked("ada", WALLET), gained("ada", 120), risen("ada", 2))
    people.bind(list(people.to_record()))
    people.apply(said(AccountClosed(user_id="ada"), "ada"))
    assert (waiting(people), due(people), people.without_wallet) == ([], [], 1)
    for event in (linked("bob", WALLET), gained("bob", 400), risen("bob", 3)):
        people.apply(event)
    assert due(people) == []


def rows_of(people: People, rows: dict[str, bytes]) -> dict[str, bytes]:
    """Return the rows after a write."""
    changed = {key: people.row(key) for key in people.changed}
    people.changed.clear()
    return {key: value for key, value in (rows | changed).items() if value is not None}


def interleaved(streams: Sequence[Sequence[AnyEvent]], chance: random.Random) -> list[AnyEvent]:
    """Return the events of several partitions in one order, each partition in its own."""
    left = [list(stream) for stream in streams]
    events = []
    while any(left):
        events.append(chance.choice([stream for stream in left if stream]).pop(0))
    return events


USERS = ("ada", "bob", "cleo")
WALLETS = tuple(padded(0xA0 + i) for i in range(3))
FATES: tuple[tuple[FactFinality, ...], ...] = (
    (), ("accepted",), ("accepted", "retracted"), ("accepted", "final"), ("accepted", "retracted", "accepted", "final"),
)  # fmt: skip
"""What becomes of a mint on the chain."""


@st.composite
def histories(draw: st.DrawFn) -> list[list[AnyEvent]]:
    """Return topics of events: what users do with wallets, what they gain, what they ask for, and what is minted."""
    wallets, levels = list[AnyEvent](), list[AnyEvent]()
    for _ in range(draw(st.integers(0, 12))):
        i = draw(st.integers(0, 2))
        act = draw(st.sampled_from([linked, unlinked]))
        wallets.append(act(USERS[i], WALLETS[i]))
    total: Counter[str] = Counter()
    for level in range(2, 2 + draw(st.integers(0, 8))):
        user = draw(st.sampled_from(USERS))
        total[user] += draw(st.integers(1, 500))
        levels += [gained(user, total[user]), risen(user, level)]
    mints = [requested(f"m-{number}", draw(st.sampled_from(USERS))) for number in range(draw(st.integers(0, 6)))]
    facts = [
        minted(f"m-{number}", number + 1, finality)
        for number in range(len(mints))
        for finality in draw(st.sampled_from(FATES))
    ]
    return [wallets, levels, mints, facts]


@given(histories(), st.integers(0, 2**32), st.integers(0, 2**32))
def test_the_order_of_topics_and_restarts_change_nothing(
    history: list[list[AnyEvent]], first: int, second: int
) -> None:
    once, again, rows, chance = People(CONTRACTS), People(CONTRACTS), dict[str, bytes](), random.Random(second)
    reports = [made.data for event in interleaved(history, random.Random(first)) for made in once.apply(event)]
    reports_again = []
    for event in interleaved(history, chance):
        reports_again += [made.data for made in again.apply(event)]
        if chance.random() < 0.4:  # a process is killed after each write
            rows = rows_of(again, rows)
            again = People(CONTRACTS, rows)
    assert again.users == once.users
    assert again.mints == once.mints
    assert not {*once.tokens, *again.tokens}
    assert sorted(map(str, reports_again)) == sorted(map(str, reports))
    assert sorted(due(again)) == sorted(due(once))
    assert sorted(waiting(again)) == sorted(waiting(once))


@st.composite
def chains(draw: st.DrawFn) -> tuple[list[AnyEvent], int | None, int]:
    """Return the facts of one mint and of one wallet on a chain with reorganisations, and what the chain says at last.

    Retractions come newest first; only the oldest accepted facts become final.
    """
    facts: list[AnyEvent] = []
    open_facts: list[tuple[str, int]] = []
    final: list[tuple[str, int]] = []
    for number in range(1, draw(st.integers(1, 26))):
        act = draw(st.sampled_from(["token", "record", "retract", "final"]))
        has_token = any(kind == "token" for kind, _ in (*open_facts, *final))
        if (act == "token" and not has_token) or act == "record":
            highest = max((value for kind, value in (*open_facts, *final) if kind == "record"), default=0)
            fact = (act, number if act == "token" else highest + draw(st.integers(1, 50)))
            open_facts.append(fact)
            facts.append(_fact(fact, "accepted"))
        elif act == "retract" and open_facts:
            facts.append(_fact(open_facts.pop(), "retracted"))
        elif act == "final" and open_facts:
            final.append(open_facts.pop(0))
            facts.append(_fact(final[-1], "final"))
    there = [*final, *open_facts]
    token = next((value for kind, value in there if kind == "token"), None)
    return facts, token, max((value for kind, value in there if kind == "record"), default=0)


def _fact(fact: tuple[str, int], finality: str) -> AnyEvent:
    kind, value = fact
    return (
        minted("m-1", value, finality)  # type: ignore[arg-type]
        if kind == "token"
        else raised(WALLET, value, finality)  # type: ignore[arg-type]
    )


@given(chains())
def test_what_is_known_is_what_the_chain_says(chain: tuple[list[AnyEvent], int | None, int]) -> None:
    facts, token, experience = chain
    people = told(requested("m-1", "ada"), linked("ada", WALLET), gained("ada", 10_000), risen("ada", 9))
    confirmed = [event for fact in facts for event in people.apply(fact)]
    assert max(people.recorded.get(WALLET, ()), default=0) == experience
    assert [event.data.token_id for event in confirmed if isinstance(event.data, NFTMintConfirmed)] in (
        [[str(token)]] if "m-1" not in people.mints else [[]]
    )
    assert (waiting(people) == []) == (token is not None)


@pytest.mark.parametrize("mint_id", ["m-1", "01890f3e-7b1a-7cc2-98c8-0c8d1c2f3a4b", "ä" * 500])
def test_every_request_is_a_number_of_starknet(mint_id: str) -> None:
    assert 0 < int(request_of(mint_id), 16) < 2**248
