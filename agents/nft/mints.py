"""Mints: eligibility of users, requests that wait for the chain, and the reports that end them.

The chain's reports come under the contract's key. They travel to the user, whose partition matches the pending mint.
From there they travel to the token, whose partition creates it once.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from agents.dispatch import Rules
from agents.nft.policy import AchievementRule, GenesisRule, MasterRule, MemberRule, NftPolicy, ViralRule
from streams.events import AnyEvent, Event
from streams.events.chain import NFTMintConfirmed, NFTMintFailed
from streams.events.constellations import ConstellationJoined
from streams.events.gamification import AchievementUnlocked, TradingMastered
from streams.events.nft import (
    GenesisType,
    MintFailed,
    MintRefused,
    MintReported,
    MintRequested,
    MintUnmatched,
    NFTCommandRejected,
    NFTEligible,
    NFTReceived,
    RequestMint,
    TokenClaimed,
)
from streams.events.social import ViralScoreChanged
from tables.nft import NFT_COLLECTORS, Collector, Mint
from tables.unit_of_work import UnitOfWork


class Mints:
    """What the users of a partition may mint, and their mints."""

    def __init__(self, tables: UnitOfWork, policy: NftPolicy) -> None:
        self.collectors = tables.rows(NFT_COLLECTORS)
        self._policy = policy
        self.rules: Rules = {
            AchievementUnlocked: self._achieved,
            ConstellationJoined: self._joined,
            ViralScoreChanged: self._viral,
            TradingMastered: self._mastered,
            RequestMint: self._request,
            NFTMintConfirmed: _report_confirmed,
            NFTMintFailed: _report_failed,
            MintReported: self._reported,
            MintRefused: self._refused,
            NFTReceived: self._received,
        }

    # --- eligibility --------------------------------------------------------------------------------------------------

    def _achieved(self, event: Event[AchievementUnlocked]) -> list[AnyEvent]:
        achieved = event.data.achievement
        return self._eligible(event, lambda rule: isinstance(rule, AchievementRule) and rule.achievement == achieved)

    def _joined(self, event: Event[ConstellationJoined]) -> list[AnyEvent]:
        role = event.data.role
        return self._eligible(event, lambda rule: isinstance(rule, MemberRule) and rule.role == role)

    def _viral(self, event: Event[ViralScoreChanged]) -> list[AnyEvent]:
        return self._eligible(event, lambda rule: isinstance(rule, ViralRule) and _is_viral(event.data, rule))

    def _mastered(self, event: Event[TradingMastered]) -> list[AnyEvent]:
        return self._eligible(event, lambda rule: isinstance(rule, MasterRule))

    def _eligible(self, event: AnyEvent, met: Callable[[GenesisRule], bool]) -> list[AnyEvent]:
        """Make a user eligible, once for each type, for those whose rule is met."""
        collector = self._collector(event.partitionkey)
        new = {
            kind: rule.rarity
            for kind, rule in self._policy.types.items()
            if kind not in collector.eligible and met(rule)
        }
        if not new:
            return []
        eligible = {**collector.eligible, **dict.fromkeys(new, int(event.time))}
        self.collectors.put(event.partitionkey, replace(collector, eligible=eligible))
        return [event.then(NFTEligible(type=kind, rarity=rarity), name=kind) for kind, rarity in new.items()]

    # --- requests -----------------------------------------------------------------------------------------------------

    def _request(self, event: Event[RequestMint]) -> list[AnyEvent]:
        kind, mint_id = event.data.type, event.data.mint_id
        collector = self._collector(event.partitionkey)
        if reason := _refusal(collector, kind):
            return [event.then(NFTCommandRejected(command="RequestMint", reason=reason, subject_id=kind))]
        self._put(event, kind, Mint(mint_id=mint_id, status="pending", at=int(event.time)))
        rarity = self._policy.types[kind].rarity
        return [event.then(MintRequested(mint_id=mint_id, type=kind, rarity=rarity), subject=mint_id)]

    # --- what the chain says ------------------------------------------------------------------------------------------

    def _reported(self, event: Event[MintReported]) -> list[AnyEvent]:
        """Claim the token for the pending mint. A repeated report of a mint that has its token changes nothing."""
        said, user_id = event.data, event.partitionkey
        found = self._named(user_id, said.mint_id)
        if found is None or found[1].status == "failed":
            return [_unmatched(event, said.mint_id, said.token_id)]
        kind, mint = found
        if mint.status == "minted":
            return [] if mint.token_id == said.token_id else [_unmatched(event, said.mint_id, said.token_id)]
        claim = TokenClaimed(
            token_id=said.token_id,
            mint_id=said.mint_id,
            owner=user_id,
            type=kind,
            rarity=self._policy.types[kind].rarity,
            tx_hash=said.tx_hash,
        )
        return [event.then(claim, key=said.token_id)]

    def _refused(self, event: Event[MintRefused]) -> list[AnyEvent]:
        """End a pending mint. The user may ask again."""
        said = event.data
        found = self._named(event.partitionkey, said.mint_id)
        if found is None or found[1].status != "pending":
            return []
        kind, mint = found
        self._put(event, kind, replace(mint, status="failed", reason=said.reason, at=int(event.time)))
        return [event.then(MintFailed(mint_id=said.mint_id, type=kind, reason=said.reason), subject=said.mint_id)]

    def _received(self, event: Event[NFTReceived]) -> list[AnyEvent]:
        """Note the token of a mint. A bought token has no mint here."""
        found = self._named(event.partitionkey, event.data.mint_id)
        if found is not None and found[1].status == "pending":
            kind, mint = found
            done = replace(mint, status="minted", token_id=event.data.token_id, at=int(event.time))
            self._put(event, kind, done)
        return []

    # --- inside -------------------------------------------------------------------------------------------------------

    def _collector(self, user_id: str) -> Collector:
        return self.collectors.get(user_id) or Collector()

    def _named(self, user_id: str, mint_id: str) -> tuple[GenesisType, Mint] | None:
        mints = self._collector(user_id).mints.items()
        return next(((kind, mint) for kind, mint in mints if mint.mint_id == mint_id), None)

    def _put(self, event: AnyEvent, kind: GenesisType, mint: Mint) -> None:
        collector = self._collector(event.partitionkey)
        self.collectors.put(event.partitionkey, replace(collector, mints={**collector.mints, kind: mint}))


def _is_viral(data: ViralScoreChanged, rule: ViralRule) -> bool:
    return data.contents >= rule.contents and data.viral_score >= rule.score


def _refusal(collector: Collector, kind: GenesisType) -> str | None:
    """Return why a user may not mint a type, or None. A type is minted once."""
    if kind not in collector.eligible:
        return "not_eligible"
    mint = collector.mints.get(kind)
    if mint is None or mint.status == "failed":
        return None
    return "mint_pending" if mint.status == "pending" else "already_minted"


def _report_confirmed(event: Event[NFTMintConfirmed]) -> list[AnyEvent]:
    data = event.data
    report = MintReported(mint_id=data.mint_id, token_id=data.token_id, tx_hash=data.tx_hash)
    return [event.then(report, key=data.user_id)]


def _report_failed(event: Event[NFTMintFailed]) -> list[AnyEvent]:
    data = event.data
    return [event.then(MintRefused(mint_id=data.mint_id, reason=data.reason), key=data.user_id)]


def _unmatched(event: AnyEvent, mint_id: str, token_id: str) -> AnyEvent:
    return event.then(MintUnmatched(mint_id=mint_id, token_id=token_id, reason="unknown_mint"), subject=mint_id)
