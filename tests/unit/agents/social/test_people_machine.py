"""What always holds among people, over random commands of many users and any order of delivery."""

from __future__ import annotations

from collections import defaultdict
from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from streams.events import AnyEvent
from streams.events.gamification import LevelUp
from streams.events.people_steps import InteractionDecided
from streams.events.social import Interact, Interacted, ShareContent, Unfollow
from streams.events.user import AccountClosed, AccountReinstated, AccountSuspended, ProfileChanged
from streams.times import HOUR_US, MINUTE_US, Instant
from tables.social_people import SOCIAL_CONTENTS, SOCIAL_FEED, SOCIAL_FOLLOWS, SOCIAL_PEOPLE
from tests.unit.agents.rulebooks import rulebook_with
from tests.unit.agents.social.community import Community

USERS = ["ada", "bob", "carol", "dave"]
HOURLY_MAX, POOL = 4, 3_000_000
SMALL = {
    "interactions_per_hour_max": HOURLY_MAX,
    "follows_max": 2,
    "feed_entries_max": 3,
    "rating": {"endorsement_pool": POOL},
}
RULES = rulebook_with({"social": {"people": SMALL}})
"""Small limits, which random commands reach."""
START = Instant.parse("2026-01-05T12:00:00Z")
users = st.sampled_from(USERS)


class People(RuleBasedStateMachine):
    """Commands and account events, handled in any order between domains and partitions."""

    @initialize(seed=st.integers(0, 1_000))
    def begin(self, seed: int) -> None:
        self.community = Community(USERS, RULES, random=Random(seed))
        self.now = START
        self.shared = 0
        self.follows: list[tuple[str, str]] = []

    @rule(minutes=st.integers(0, 15))
    def wait(self, minutes: int) -> None:
        self.now = Instant(self.now + minutes * MINUTE_US)

    @rule()
    def tick(self) -> None:
        """Tick: follows that have waited for a minute expire, and their answers may come later."""
        self.community.post_tick(self.now)

    @rule(actor=users, other=users, kind=st.sampled_from(["like", "endorse", "report", "follow", "follow"]))
    def interact(self, actor: str, other: str, kind: str) -> None:
        self.community.post(Interact(target=other, kind=kind), actor, self.now)  # type: ignore[arg-type]
        if kind == "follow":
            self.follows.append((actor, other))

    @precondition(lambda self: self.follows)
    @rule(number=st.integers(0, 3), steps=st.integers(0, 2))
    def unfollow_soon(self, number: int, steps: int) -> None:
        """Unfollow a user whose follow was asked for lately, and may wait for its answer."""
        self.handle_some(steps)
        actor, other = self.follows[-1 - number % len(self.follows)]
        self.community.post(Unfollow(target=other), actor, self.now)

    @precondition(lambda self: self.follows)
    @rule(number=st.integers(0, 3))
    def follow_back(self, number: int) -> None:
        other, actor = self.follows[-1 - number % len(self.follows)]
        self.community.post(Interact(target=other, kind="follow"), actor, self.now)

    @rule(author=users, actor=users)
    def share(self, author: str, actor: str) -> None:
        self.shared += 1
        content = f"c-{self.shared}"
        self.community.post(ShareContent(platform="reddit", kind="trade", content_id=content), author, self.now)
        shared = Interact(target=author, kind="share", content_id=content, platform="facebook")
        self.community.post(shared, actor, self.now)

    @rule(user=users)
    def level_up(self, user: str) -> None:
        self.community.post(LevelUp(old=1, new=2, max_leverage=15), user, self.now)

    @rule(user=users, private=st.booleans())
    def hide(self, user: str, private: bool) -> None:
        self.community.post(ProfileChanged(user_id=user, private=private), user, self.now)

    @rule(user=users, suspended=st.booleans())
    def suspend(self, user: str, suspended: bool) -> None:
        event = AccountSuspended(user_id=user) if suspended else AccountReinstated(user_id=user)
        self.community.post(event, user, self.now)

    @rule()
    def close(self) -> None:
        self.community.post(AccountClosed(user_id="dave"), "dave", self.now)

    @rule(steps=st.integers(0, 8))
    def handle_some(self, steps: int) -> None:
        for _ in range(steps):
            self.community.step()

    @rule()
    def handle_all(self) -> None:
        self.community.run()
        self.check_quiet()

    def teardown(self) -> None:
        if hasattr(self, "community"):
            self.handle_all()

    @invariant()
    def no_hour_holds_more_interactions_of_a_user_than_the_limit(self) -> None:
        times = defaultdict(list)
        for event in self.events():
            if isinstance(event.data, Interacted):
                times[event.partitionkey].append(int(event.time))
        for accepted in times.values():
            for end in accepted:
                assert sum(end - HOUR_US < time <= end for time in accepted) <= HOURLY_MAX

    @invariant()
    def rows_are_bounded(self) -> None:
        if not hasattr(self, "community"):
            return
        assert all(len(row.followed) <= 2 for row in self.community.rows(SOCIAL_FOLLOWS).values())
        for row in self.community.rows(SOCIAL_FEED).values():
            assert len(row.entries) <= 3
            assert list(row.entries) == sorted(row.entries, key=lambda one: (one.at, one.id), reverse=True)
        assert all(0 <= row.rating <= 100_000_000 for row in self.community.rows(SOCIAL_PEOPLE).values())

    def events(self) -> list[AnyEvent]:
        return self.community.events if hasattr(self, "community") else []

    def check_quiet(self) -> None:
        """Check what holds once every event has been handled."""
        follows = {user: self.community.followed(user) for user in USERS}
        people = self.community.rows(SOCIAL_PEOPLE)
        for user in USERS:
            assert all(one.stands and not one.withdrawn for one in follows[user].values())
            assert people[user].followers == sum(user in follows[other] for other in USERS)
            assert user not in follows[user]
            for other, follow in follows[user].items():
                assert follow.friend == (user in follows[other])
        self.check_ratings()
        assert self.community.replayed("social") == self.community.stored("social")
        for user, row in self.community.rows(SOCIAL_CONTENTS).items():
            assert people[user].viral_tenths == sum(one.viral_tenths for one in row.shared.values())

    def check_ratings(self) -> None:
        """Fold the accepted endorsements and reports of each user anew."""
        ratings, received = dict.fromkeys(USERS, 50_000_000), dict.fromkeys(USERS, 0)
        for event in self.community.events:
            decided = event.data
            if not isinstance(decided, InteractionDecided) or decided.reason is not None:
                continue
            target = decided.target
            if decided.kind == "endorse":
                gain = min(2_000_000, POOL // max(1, received[target]))
                ratings[target] = min(100_000_000, ratings[target] + gain)
                received[target] += 1
            elif decided.kind == "report":
                ratings[target] -= min(5_000_000, ratings[target] // 10)
        people = self.community.rows(SOCIAL_PEOPLE)
        for user in USERS:
            if not people[user].closed:
                assert people[user].rating == ratings[user]


TestPeople = People.TestCase
TestPeople.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)
