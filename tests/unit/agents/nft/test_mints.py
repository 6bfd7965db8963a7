"""Eligibility and mints: each genesis type once per user, pending until the chain says so."""

from __future__ import annotations

from typing import get_args

import pytest

from agents.rulebook import packaged_rulebook
from streams.events.chain import NFTMintConfirmed, NFTMintFailed
from streams.events.constellations import ConstellationJoined
from streams.events.gamification import TradingMastered
from streams.events.nft import (
    GenesisType,
    MintFailed,
    MintRequested,
    MintUnmatched,
    NFTEligible,
    NFTMinted,
    NFTReceived,
)
from streams.events.social import ViralScoreChanged
from tables.nft import NFT_TOKENS, owner_group
from tests.unit.agents.cluster import of_type
from tests.unit.agents.nft_kit import CONTRACT, START, NftCluster, refusals


@pytest.fixture
def nft() -> NftCluster:
    return NftCluster()


def viral(nft: NftCluster, contents: int, score: int) -> list[NFTEligible]:
    data = ViralScoreChanged(content_id="c", content_score=score, viral_score=score, contents=contents)
    return of_type(nft.send(data, "ada", START), NFTEligible)


@pytest.mark.parametrize(
    ("achievement", "kind", "rarity"),
    [
        ("trades-1", "first_trade", "common"),
        ("level-25", "level_milestone_25", "uncommon"),
        ("level-50", "level_milestone_50", "rare"),
    ],
)
def test_genesis_types_by_achievement_are_given_once_per_user(
    nft: NftCluster, achievement: str, kind: str, rarity: str
) -> None:
    (eligible,) = of_type(nft.achieve("ada", achievement), NFTEligible)
    assert (eligible.type, eligible.rarity) == (kind, rarity)
    assert of_type(nft.achieve("ada", achievement), NFTEligible) == []
    assert of_type(nft.achieve("bob", achievement), NFTEligible) == [eligible]
    assert of_type(nft.achieve("ada", "trades-10"), NFTEligible) == []


def test_constellation_founder_is_for_owners_only(nft: NftCluster) -> None:
    for role, expected in (("member", []), ("admin", []), ("owner", ["constellation_founder"]), ("owner", [])):
        joined = ConstellationJoined(constellation_id="c", name="C", role=role)  # type: ignore[arg-type]
        assert [each.type for each in of_type(nft.send(joined, "ada", START), NFTEligible)] == expected


def test_viral_legend_needs_5_contents_and_a_score_of_500(nft: NftCluster) -> None:
    assert viral(nft, 4, 900) == []
    assert viral(nft, 5, 499) == []
    assert viral(nft, 5, 500) == [NFTEligible(type="viral_legend", rarity="epic")]
    assert viral(nft, 6, 501) == []


def test_trading_master_follows_from_the_mastery_that_gamification_tells_of(nft: NftCluster) -> None:
    mastered = TradingMastered(trades=1_000, closes=10, wins=8)
    assert of_type(nft.send(mastered, "ada", START), NFTEligible) == [
        NFTEligible(type="trading_master", rarity="legendary")
    ]
    assert of_type(nft.send(mastered, "ada", START), NFTEligible) == []


def test_every_genesis_type_has_a_rule() -> None:
    assert set(packaged_rulebook().nft.types) == set(get_args(GenesisType))


def test_a_mint_stays_pending_until_the_chain_confirms_it(nft: NftCluster) -> None:
    nft.achieve("ada")
    (asked,) = of_type(nft.ask("ada"), MintRequested)
    assert (asked.mint_id, asked.type, asked.rarity) == ("mint-ada", "first_trade", "common")
    assert nft.collector("ada").mints["first_trade"].status == "pending"
    events = nft.confirm("ada", "t-1")
    (minted,) = of_type(events, NFTMinted)
    assert (minted.token_id, minted.owner, minted.rarity) == ("t-1", "ada", "common")
    assert of_type(events, NFTReceived) == [NFTReceived(token_id="t-1", type="first_trade", mint_id="mint-ada")]
    mint = nft.collector("ada").mints["first_trade"]
    assert (mint.status, mint.token_id) == ("minted", "t-1")
    assert nft.token("t-1").owner == "ada"
    assert nft.ranking(owner_group("ada")) == ["t-1"]


def test_a_repeated_confirmation_mints_nothing_more(nft: NftCluster) -> None:
    nft.minted("ada", "t-1")
    before = nft.token("t-1")
    for finality in ("accepted", "final"):
        events = nft.confirm("ada", "t-1", finality=finality)
        assert of_type(events, NFTMinted) + of_type(events, MintUnmatched) == []
    assert nft.token("t-1") == before


def test_two_confirmations_at_once_mint_one_token(nft: NftCluster) -> None:
    nft.achieve("ada")
    nft.ask("ada")
    said = NFTMintConfirmed(mint_id="mint-ada", user_id="ada", token_id="t-1", tx_hash="0x1", finality="accepted")
    for _ in range(2):
        nft.post(said, CONTRACT, START)
    events = nft.run()
    assert len(of_type(events, NFTMinted)) == len(of_type(events, NFTReceived)) == 1
    assert of_type(events, MintUnmatched) == []


def test_a_confirmation_without_a_pending_mint_is_recorded_and_makes_no_token(nft: NftCluster) -> None:
    events = nft.confirm("ada", "t-9", "never-asked")
    assert of_type(events, MintUnmatched) == [
        MintUnmatched(mint_id="never-asked", token_id="t-9", reason="unknown_mint")
    ]
    assert nft.row(NFT_TOKENS, "t-9") is None


def test_a_token_that_exists_is_not_given_to_another_mint(nft: NftCluster) -> None:
    nft.minted("ada", "t-1")
    nft.achieve("bob")
    nft.ask("bob")
    assert [each.reason for each in of_type(nft.confirm("bob", "t-1"), MintUnmatched)] == ["token_exists"]
    assert nft.token("t-1").owner == "ada"
    assert nft.collector("bob").mints["first_trade"].status == "pending"
    assert of_type(nft.confirm("bob", "t-2"), NFTMinted)


def test_a_mint_has_one_token(nft: NftCluster) -> None:
    nft.minted("ada", "t-1")
    assert [each.token_id for each in of_type(nft.confirm("ada", "t-2"), MintUnmatched)] == ["t-2"]


def test_a_failed_mint_can_be_asked_for_again_and_a_late_confirmation_is_unmatched(nft: NftCluster) -> None:
    nft.achieve("ada")
    nft.ask("ada")
    failed = NFTMintFailed(mint_id="mint-ada", user_id="ada", reason="reverted")
    events = nft.send(failed, CONTRACT, START)
    assert of_type(events, MintFailed) == [MintFailed(mint_id="mint-ada", type="first_trade", reason="reverted")]
    assert of_type(nft.send(failed, CONTRACT, START), MintFailed) == []
    assert of_type(nft.confirm("ada", "t-1"), MintUnmatched)
    assert of_type(nft.ask("ada", mint_id="second"), MintRequested)
    assert of_type(nft.confirm("ada", "t-1", "second"), NFTMinted)
    assert of_type(nft.send(failed, CONTRACT, START), MintFailed) == []


def test_each_reason_to_reject_a_mint(nft: NftCluster) -> None:
    assert refusals(nft.ask("ada")) == [("RequestMint", "not_eligible")]
    nft.achieve("ada")
    nft.ask("ada")
    assert refusals(nft.ask("ada", mint_id="again")) == [("RequestMint", "mint_pending")]
    nft.confirm("ada", "t-1")
    assert refusals(nft.ask("ada", mint_id="again")) == [("RequestMint", "already_minted")]
    assert refusals(nft.ask("ada", "level_milestone_25")) == [("RequestMint", "not_eligible")]
