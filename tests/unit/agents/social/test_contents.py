"""Shared contents and their viral score, as domain.md sections 8 and 14 state them; feeds and prestige."""

from __future__ import annotations

import pytest

from streams.events.battles import BattleFought
from streams.events.constellations import ConstellationJoined
from streams.events.gamification import AchievementUnlocked, LevelUp, PrestigeLost, PrestigeReached
from streams.events.nft import NFTReceived
from streams.events.social import ContentShared, FeedEntryAdded, SocialCommandRejected, ViralScoreChanged
from streams.events.user import AccountClosed
from tables.social_people import SOCIAL_CONTENTS, SOCIAL_FEED, FeedEntries
from tests.unit.agents.cluster import of_type
from tests.unit.agents.rulebooks import rulebook_with
from tests.unit.agents.social.community import AT, Community, reasons


@pytest.fixture
def community() -> Community:
    return Community()


def entries_of(community: Community, user_id: str) -> FeedEntries:
    return community.row(SOCIAL_FEED, user_id) or FeedEntries()


def test_the_viral_score_adds_the_weights_of_the_platforms_exactly_in_tenths(community: Community) -> None:
    weights = {"reddit": 25, "twitter": 20, "discord": 18, "instagram": 15, "telegram": 13, "facebook": 12}
    total = 0
    for platform, tenths in weights.items():
        [changed] = of_type(community.share("ada", "c-1", platform), ViralScoreChanged)
        total += tenths
        assert (changed.content_score_tenths, changed.viral_score_tenths) == (total, total)
        assert (changed.content_score, changed.viral_score) == (total // 10, total // 10)
    assert total == 103
    [changed] = of_type(
        community.interact("bob", "share", "ada", content_id="c-1", platform="twitter"), ViralScoreChanged
    )
    assert changed.content_score_tenths == 123


def test_the_viral_score_of_a_user_is_the_sum_over_the_contents(community: Community) -> None:
    for number in range(5):
        [shared] = of_type(community.share("ada", f"c-{number}"), ContentShared)
        assert shared.contents == number + 1
    [changed] = of_type(community.share("ada", "c-0", "twitter"), ViralScoreChanged)
    assert (changed.content_score_tenths, changed.viral_score_tenths, changed.contents) == (45, 145, 5)


def test_a_user_shares_content_once_on_each_platform(community: Community) -> None:
    community.share("ada", "c-1", "reddit")
    assert reasons(community.share("ada", "c-1", "reddit")) == ["already_shared"]
    assert reasons(community.share("ada", "c-1", "discord", kind=None)) == []
    assert reasons(community.share("ada", "c-1", "twitter", kind="battle")) == ["content_exists"]
    assert reasons(community.share("ada", "c-2", "twitter", kind=None)) == ["unknown_content"]


def test_likes_and_comments_are_counted_at_the_content_and_at_its_author(community: Community) -> None:
    community.share("ada", "c-1")
    community.interact("bob", "like", "ada", content_id="c-1")
    community.interact("bob", "comment", "ada", content_id="c-1")
    contents = community.row(SOCIAL_CONTENTS, "ada")
    assert contents is not None
    content = contents.shared["c-1"]
    assert (content.likes, content.comments, content.shares) == (1, 1, 1)
    person = community.person("ada")
    assert (person.likes, person.comments, person.shares) == (1, 1, 0)


def test_an_interaction_with_unknown_content_is_refused(community: Community) -> None:
    assert reasons(community.interact("bob", "like", "ada", content_id="c-9")) == ["unknown_content"]
    assert reasons(community.interact("bob", "share", "ada", content_id="c-9")) == ["platform_missing"]


def test_a_user_makes_at_most_as_many_contents_a_day_as_the_rule_book_says() -> None:
    community = Community(["ada"], rulebook_with({"social": {"people": {"contents_per_day_max": 2}}}))
    for number in range(2):
        assert not reasons(community.share("ada", f"c-{number}"))
    [rejected] = of_type(community.share("ada", "c-2"), SocialCommandRejected)
    assert rejected.reason == "contents_limit"
    assert rejected.free_at is not None
    assert rejected.free_at.text() == "2026-01-06T00:00:00Z"
    assert not reasons(community.share("ada", "c-0", "discord"))
    assert not reasons(community.share("ada", "c-2", at="2026-01-06T00:00:00Z"))


def test_the_oldest_contents_give_way_and_their_scores_stay() -> None:
    community = Community(["ada", "bob"], rulebook_with({"social": {"people": {"contents_kept_max": 2}}}))
    for number in range(3):
        community.share("ada", f"c-{number}")
    contents = community.row(SOCIAL_CONTENTS, "ada")
    assert contents is not None
    assert list(contents.shared) == ["c-1", "c-2"]
    assert community.person("ada").viral_tenths == 75
    assert reasons(community.interact("bob", "like", "ada", content_id="c-0")) == ["unknown_content"]


# --- feeds ------------------------------------------------------------------------------------------------------------

FACTS = [
    (LevelUp(old=2, new=3, max_leverage=20), "feed.level_up", {"level": "3"}),
    (
        AchievementUnlocked(achievement="trades-1", tier=1, xp=50, ss=100),
        "feed.achievement",
        {"achievement": "trades-1"},
    ),
    (PrestigeReached(tier="gold"), "feed.prestige", {"tier": "gold"}),
    (NFTReceived(token_id="n-1", type="first_trade"), "feed.nft", {"token_id": "n-1", "type": "first_trade"}),
    (
        ConstellationJoined(constellation_id="k-1", name="Lyra", role="member"),
        "feed.constellation_joined",
        {"constellation_id": "k-1", "name": "Lyra"},
    ),
    (
        BattleFought(battle_id="b-1", constellation_id="k-1", won=True, prize_ss=10),
        "feed.battle_won",
        {"battle_id": "b-1", "constellation_id": "k-1"},
    ),
]


@pytest.mark.parametrize(("fact", "text", "arguments"), FACTS, ids=lambda one: type(one).__name__)
def test_facts_about_a_user_become_entries_for_the_followers(
    community: Community, fact: LevelUp, text: str, arguments: dict[str, str]
) -> None:
    followed = community.send(fact, "ada", AT)
    [added] = [event for event in followed if isinstance(event.data, FeedEntryAdded) and event.data.text == text]
    [entry] = [entry for entry in entries_of(community, "ada").entries if entry.text == text]
    assert added.data == FeedEntryAdded(kind=entry.kind, text=text, arguments=arguments, cause_id=entry.cause_id)
    assert (entry.id, entry.arguments) == (added.id, arguments)


def test_content_becomes_an_entry_when_it_is_made_and_not_when_it_is_shared_again(community: Community) -> None:
    assert len(of_type(community.share("ada", "c-1"), FeedEntryAdded)) == 1
    assert of_type(community.share("ada", "c-1", "discord"), FeedEntryAdded) == []


def test_a_feed_keeps_the_newest_entries_in_the_order_of_their_times(community: Community) -> None:
    for minute in (*range(30, 60), *range(10)):
        community.send(LevelUp(old=minute, new=minute + 1, max_leverage=20), "ada", f"2026-01-05T12:{minute:02d}:00Z")
    levels = [int(entry.arguments["level"]) for entry in entries_of(community, "ada").entries]
    assert levels == list(range(60, 40, -1))


def test_a_closed_account_gets_no_entries(community: Community) -> None:
    community.send(AccountClosed(user_id="ada"), "ada", AT)
    assert of_type(community.send(PrestigeReached(tier="gold"), "ada", AT), FeedEntryAdded) == []
    assert entries_of(community, "ada").entries == ()


def test_the_prestige_of_a_person_is_what_the_user_has_now(community: Community) -> None:
    for told in (PrestigeReached(tier="gold"), PrestigeLost(tier="bronze"), PrestigeLost(tier=None)):
        followed = community.send(told, "ada", AT)
        assert community.person("ada").prestige == told.tier
        assert len(of_type(followed, FeedEntryAdded)) == isinstance(told, PrestigeReached)
