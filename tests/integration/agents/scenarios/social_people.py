"""Two people and what they do with each other, in one partition; and the facts of other domains that feeds show.

One follow stays unanswered.
"""

from __future__ import annotations

from streams.events.constellations import ConstellationJoined
from streams.events.gamification import PrestigeReached
from streams.events.nft import NFTReceived
from streams.events.social import CreateProfile, Interact, ShareContent, Unfollow
from streams.events.user import AccountClosed, AccountRegistered
from tests.integration.agents.scenarios.kit import UNREACHABLE, Run, first


def play(run: Run) -> None:
    """Play the scenario."""
    for user in ("pia", "quin"):
        run(first(AccountRegistered(user_id=user, role="user"), user))
    run(first(CreateProfile(display_name="Pia"), "pia"))
    run(first(ShareContent(platform="reddit", kind="trade", content_id="c-1"), "pia"))
    run(first(Interact(target="pia", kind="share", content_id="c-1", platform="twitter"), "quin"))
    run(first(Interact(target="pia", kind="follow"), "quin"))
    run(first(Interact(target="quin", kind="follow"), "pia"))
    run(first(Interact(target="rob", kind="follow"), "pia"))
    run(first(Interact(target=UNREACHABLE, kind="follow"), "quin"))
    run(first(Unfollow(target="pia"), "quin"))
    run(first(PrestigeReached(tier="bronze"), "pia"))
    run(first(NFTReceived(token_id="token-1", type="first_trade"), "pia"))
    run(first(ConstellationJoined(constellation_id="k-1", name="Lyra", role="member"), "pia"))
    run(first(AccountClosed(user_id="pia"), "pia"))
