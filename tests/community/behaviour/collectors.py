"""Tokens: mint, offer, withdraw the offer, buy; and the chain that confirms mints. Rewards and the inbox, too."""

from __future__ import annotations

from typing import Any, get_args

from streams.events.nft import GenesisType
from streams.events.notifications import KINDS
from tests.community.behaviour.acts import Act
from tests.community.behaviour.money import UNIT, text_of
from tests.community.behaviour.people import Moment, Person

TYPES = get_args(GenesisType)
ASSETS = ("SS", "SS", "SS", "SS", "STRK", "LM")


def mint(person: Person, moment: Moment) -> Act | None:
    """Ask for a token that the person may have; seldom for another one."""
    collector = moment.view.collector(person.id)
    done = {kind for kind, one in collector.mints.items() if one.status != "failed"}
    wanted = [kind for kind in collector.eligible if kind not in done]
    if not wanted and moment.random.random() < 0.95:
        return None
    return Act(person.id, "RequestMint", {"type": moment.random.choice(wanted or TYPES)})


def offer(person: Person, moment: Moment) -> Act | None:
    """Offer a token, or withdraw an offer; seldom a token of someone else."""
    random, view = moment.random, moment.view
    mine = view.tokens_of.get(person.id, [])
    if not mine:
        if not view.tokens or random.random() < 0.97:
            return None
        mine = list(view.tokens)
    token = random.choice(mine)
    listing = view.tokens[token].listing
    touches = frozenset({token, view.tokens[token].owner})
    if listing is not None and random.random() < 0.85:
        data = {"token_id": token, "listing_id": listing.listing_id}
        return Act(person.id, "UnlistNFT", data, touches) if random.random() < 0.3 else None
    asset = random.choice(ASSETS)
    price = {
        "SS": str(random.choice((20, 60, 90, 150, 700))),
        "LM": "3",
        "STRK": text_of(random.randrange(90) * UNIT // 7 + 1),
    }
    return Act(person.id, "ListNFT", {"token_id": token, "asset": asset, "price": price[asset]}, touches)


def buy(person: Person, moment: Moment) -> Act | None:
    """Buy a listed token at its price; seldom at another one."""
    random, view = moment.random, moment.view
    if not view.for_sale:
        return None
    token = random.choice(view.for_sale)
    row = view.tokens[token]
    assert row.listing is not None
    data: dict[str, Any] = {
        "token_id": token,
        "listing_id": row.listing.listing_id,
        "asset": row.listing.asset,
        "price": text_of(int(row.listing.price)) if random.random() < 0.95 else "7",
    }
    return Act(person.id, "BuyNFT", data, frozenset({token, row.owner}))


def claim(person: Person, moment: Moment) -> Act | None:
    """Claim a reward; seldom one that is not there."""
    granted = [one.reward_id for one in moment.view.rewards(person.id).rewards if one.state == "granted"]
    if not granted:
        unknown = {"reward_id": "global:xp:week:2024-W01"}
        return Act(person.id, "ClaimReward", unknown) if moment.random.random() < 0.02 else None
    return Act(person.id, "ClaimReward", {"reward_id": moment.random.choice(granted)})


def preferences(person: Person, moment: Moment) -> Act | None:
    """Choose a language and what to mute."""
    muted = moment.random.sample(KINDS, moment.random.randrange(4))
    return Act(person.id, "ChangePreferences", {"language": moment.random.choice(("en", "de", "uk")), "muted": muted})


def read_inbox(person: Person, moment: Moment) -> Act | None:
    """Mark everything as read."""
    return Act(person.id, "ReadNotifications", {})


def confirmations(moment: Moment) -> list[Act]:
    """Return what the chain says of the mints that wait: most are confirmed, some fail, a few reports are strange."""
    random, found = moment.random, []
    for user, mint_id in moment.view.pending_mints:
        what = random.random()
        if what < 0.5:
            continue
        base = {"mint_id": mint_id, "user_id": user}
        if what < 0.55:
            found.append(Act("", "NFTMintFailed", {**base, "reason": "out_of_gas"}, frozenset({user})))
            continue
        token = f"genesis-{mint_id[-12:]}"
        if what < 0.57:
            base["mint_id"] = "mint-unknown"
        if what > 0.98 and moment.view.tokens:
            token = random.choice(list(moment.view.tokens))
        data = {**base, "token_id": token, "tx_hash": f"0x{random.getrandbits(64):x}", "finality": "accepted"}
        found.append(Act("", "NFTMintConfirmed", data, frozenset({user, token})))
    return found
