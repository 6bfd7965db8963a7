"""People of the social domain: profiles, interactions with their hourly limit, ratings, follows, contents.

Rules: domain.md sections 6, 8 and 14; readings: decision 0035.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from tests.community.journal import Entry
from tests.community.oracle.behind import Behind
from tests.community.oracle.crossing import Causes, Domains, Rows
from tests.community.oracle.feed import Feed
from tests.community.oracle.social_numbers import DAY, HOUR, PeopleNumbers

COUNTS: Final = {
    "like": "likes",
    "comment": "comments",
    "share": "shares",
    "endorse": "endorsements",
    "follow": "followers",
    "report": "reports",
}
"""Which count of the target each interaction raises."""
TOLD: Final = {"follow": "follow", "endorse": "endorsement"}
"""The notification that each interaction brings to its target."""


@dataclass(slots=True, kw_only=True)
class Person:
    """A user as others know them."""

    rating: int
    registered_at: int = 0
    private: bool = False
    suspended: bool = False
    closed: bool = False
    endorsements: int = 0
    reports: int = 0
    followers: int = 0
    likes: int = 0
    comments: int = 0
    shares: int = 0
    contents: int = 0
    contents_day: int = 0
    contents_today: int = 0
    viral_tenths: int = 0
    prestige: str | None = None
    updated_at: int = 0


@dataclass(slots=True, kw_only=True)
class Content:
    """Something that a user shared."""

    kind: str
    about: str
    shared_at: int
    platforms: list[str] = field(default_factory=list)
    shares: int = 0
    likes: int = 0
    comments: int = 0
    viral_tenths: int = 0


@dataclass(slots=True, kw_only=True)
class Follow:
    """A user whom another follows."""

    since: int
    friend: bool


def is_free(times: Iterable[int], at: int, most: int) -> bool:
    """Return whether one more interaction leaves each hour that ends with an interaction within the limit."""
    taken = [*times, at]
    return all(sum(end - HOUR < time <= end for time in taken) <= most for end in taken if at <= end < at + HOUR)


def rating_after(kind: str, rating: int, received: int, numbers: PeopleNumbers) -> int:
    """Return a rating after an endorsement or a report, of which the user had received some before."""
    if kind == "endorse":
        gain = min(numbers.endorsement_highest, numbers.endorsement_pool // max(1, received))
        return min(numbers.rating_highest, rating + gain)
    if kind == "report":
        return rating - min(numbers.report_highest, math.floor(rating * numbers.report_share))
    return rating


class People:
    """All users, by id."""

    def __init__(self, community: Domains, numbers: PeopleNumbers, feed: Feed, behind: Behind) -> None:
        self.community = community
        self.numbers = numbers
        self.feed = feed
        self.behind = behind
        self.people: dict[str, Person] = {}
        self.profiles: dict[str, dict[str, Any]] = {}
        self.hours: dict[str, list[int]] = {}
        self.follows: dict[str, dict[str, Follow]] = {}
        self.contents: dict[str, dict[str, Content]] = {}
        self.facts: dict[str, Callable[[Entry], None]] = {
            "AccountRegistered": self._registered,
            "ProfileChanged": self._profile_changed,
            "AccountSuspended": self._suspended,
            "AccountReinstated": self._suspended,
        }
        self.commands: dict[str, Callable[[Entry], None]] = {
            "CreateProfile": self._profile,
            "Interact": self._interact,
            "Unfollow": self._unfollow,
            "ShareContent": self._share,
        }

    # --- accounts -----------------------------------------------------------------------------------------------------

    def person(self, user: str) -> Person:
        """Return a user; one whose account is unknown stays without a registration."""
        return self.people.setdefault(user, Person(rating=self.numbers.rating_first))

    def change(self, user: str, causes: Causes, **fields: Any) -> Person:
        """Change some fields of a person."""
        is_new, person = user not in self.people, self.person(user)
        if is_new or any(getattr(person, name) != value for name, value in fields.items()):
            self.behind.note("social-people", user, causes)
        for name, value in fields.items():
            setattr(person, name, value)
        return person

    def _registered(self, entry: Entry) -> None:
        if not entry.data.get("parent_id"):
            self.change(entry.user, (entry.id,), registered_at=entry.at)

    def _profile_changed(self, entry: Entry) -> None:
        self.change(entry.user, (entry.id,), private=entry.data["private"])

    def _suspended(self, entry: Entry) -> None:
        self.change(entry.user, (entry.id,), suspended=entry.name == "AccountSuspended")

    def closed(self, entry: Entry) -> None:
        """Forget what a user did and showed, and end the user's follows."""
        causes = (entry.id,)
        followers = self.person(entry.user).followers
        self.people[entry.user] = Person(rating=self.numbers.rating_first, closed=True, followers=followers)
        self.behind.note("social-people", entry.user, causes)
        for table, rows in (
            ("social-profiles", self.profiles),
            ("social-interactions", self.hours),
            ("social-contents", self.contents),
        ):
            if rows.pop(entry.user, None) is not None:
                self.behind.note(table, entry.user, causes)
        self.feed.remove(entry.user, causes)
        for other in [*self.follows.get(entry.user, {})]:
            self._end_follow(entry.user, other, entry.at, causes)
        self.follows.pop(entry.user, None)

    def is_active(self, user: str) -> bool:
        """Return whether a user's account is neither suspended nor closed."""
        person = self.people.get(user)
        return person is None or not (person.suspended or person.closed)

    def _profile(self, entry: Entry) -> None:
        self.profiles[entry.user] = {
            "display_name": entry.data["display_name"],
            "bio": entry.data.get("bio", ""),
            "updated_at": entry.at,
        }
        self.behind.note("social-profiles", entry.user, (entry.id,))

    # --- interactions -------------------------------------------------------------------------------------------------

    def _interact(self, entry: Entry) -> None:
        actor, target, kind = entry.user, entry.data["target"], entry.data["kind"]
        if actor == target or (kind == "follow" and not self._may_follow(actor, target)):
            return
        hour = self.hours.setdefault(actor, [])
        if not is_free(hour, entry.at, self.numbers.interactions_an_hour):
            return
        self.hours[actor] = [time for time in hour if time > entry.at - self.numbers.hours_kept * HOUR]
        self.behind.note("social-interactions", actor, (entry.id,))
        if kind == "follow":
            self.behind.note("social-follows", actor, (entry.id,))
        if not self._accepts(target, entry.data.get("content_id")):
            return
        self.hours[actor].append(entry.at)
        self._receive(actor, target, kind, entry)
        self.community.gamification.interacted(actor, kind, entry.at, (entry.id,))

    def _may_follow(self, actor: str, target: str) -> bool:
        followed = self.follows.get(actor, {})
        return target not in followed and len(followed) < self.numbers.follows

    def _accepts(self, target: str, content: str | None) -> bool:
        person = self.people.get(target)
        if person is None or not person.registered_at or person.private or not self.is_active(target):
            return False
        return content is None or content in self.contents.get(target, {})

    def _receive(self, actor: str, target: str, kind: str, entry: Entry) -> None:
        person, causes, name = self.person(target), (entry.id,), COUNTS[kind]
        before, received = person.rating, person.endorsements
        rating = rating_after(kind, before, received, self.numbers)
        self.change(target, causes, rating=rating, updated_at=entry.at, **{name: getattr(person, name) + 1})
        if kind == "follow":
            self._follow(actor, target, entry)
        if kind in TOLD:
            notified = TOLD[kind]
            text = notified
            self.community.user.notify(target, notified, entry.at, causes, text=text, arguments={"actor": actor})
        if rating != before:
            self.community.gamification.rating_changed(target, rating, entry.at, causes)
        if "content_id" in entry.data:
            self._received_content(target, kind, entry)

    def _received_content(self, author: str, kind: str, entry: Entry) -> None:
        content = self.contents[author][entry.data["content_id"]]
        if kind == "share":
            self._spread(author, content, entry.data["platform"], entry)
        else:
            setattr(content, COUNTS[kind], getattr(content, COUNTS[kind]) + 1)
            self.behind.note("social-contents", author, (entry.id,))

    # --- follows ------------------------------------------------------------------------------------------------------

    def _follow(self, actor: str, target: str, entry: Entry) -> None:
        back = self.follows.get(target, {}).get(actor)
        self.follows.setdefault(actor, {})[target] = Follow(since=entry.at, friend=back is not None)
        if back is not None:
            back.friend = True
            self.behind.note("social-follows", target, (entry.id,))

    def _unfollow(self, entry: Entry) -> None:
        if entry.data["target"] in self.follows.get(entry.user, {}):
            self._end_follow(entry.user, entry.data["target"], entry.at, (entry.id,))

    def _end_follow(self, actor: str, other: str, at: int, causes: Causes) -> None:
        del self.follows[actor][other]
        self.behind.note("social-follows", actor, causes)
        self.change(other, causes, followers=self.person(other).followers - 1)
        back = self.follows.get(other, {}).get(actor)
        if back is not None:
            back.friend = False
            self.behind.note("social-follows", other, causes)

    # --- contents -----------------------------------------------------------------------------------------------------

    def _share(self, entry: Entry) -> None:
        name, platform, kind = entry.data["content_id"], entry.data["platform"], entry.data.get("kind")
        content = self.contents.get(entry.user, {}).get(name)
        if content is None and kind is not None:
            self._make(entry)
        elif content is not None and kind in (None, content.kind) and platform not in content.platforms:
            content.platforms.append(platform)
            self._spread(entry.user, content, platform, entry)

    def _make(self, entry: Entry) -> None:
        person, day = self.person(entry.user), entry.at // DAY
        today = person.contents_today if person.contents_day == day else 0
        if today >= self.numbers.contents_a_day:
            return
        platform, kind = entry.data["platform"], entry.data["kind"]
        content = Content(kind=kind, about=entry.data.get("about") or "", shared_at=entry.at, platforms=[platform])
        made = self.contents.setdefault(entry.user, {})
        made[entry.data["content_id"]] = content
        for oldest in [*made][: -self.numbers.contents_kept]:
            del made[oldest]
        self.change(
            entry.user,
            (entry.id,),
            contents=person.contents + 1,
            contents_day=day,
            contents_today=today + 1,
        )
        self._spread(entry.user, content, platform, entry)
        arguments = {"content_id": entry.data["content_id"], "kind": kind, "platform": platform}
        self.feed.add(entry.user, "content", "feed.content", arguments, at=entry.at, causes=(entry.id,))

    def _spread(self, author: str, content: Content, platform: str, entry: Entry) -> None:
        """Count a share of content."""
        weight = self.numbers.weights[platform]
        content.shares += 1
        content.viral_tenths += weight
        self.behind.note("social-contents", author, (entry.id,))
        viral = self.person(author).viral_tenths + weight
        person = self.change(author, (entry.id,), viral_tenths=viral)
        if person.contents >= self.numbers.legend_contents and viral >= self.numbers.legend_tenths:
            self.community.nft.eligible(author, "viral_legend", entry.at, (entry.id,))

    # --- rows ---------------------------------------------------------------------------------------------------------

    def rows(self) -> Rows:
        """Return the rows of people."""
        return {
            "social-profiles": dict(self.profiles),
            "social-people": {user: asdict(person) for user, person in self.people.items()},
            "social-interactions": {user: {"times": list(times)} for user, times in self.hours.items() if times},
            "social-follows": {
                user: {other: asdict(follow) for other, follow in followed.items()}
                for user, followed in self.follows.items()
                if followed
            },
            "social-contents": {
                user: {name: asdict(content) for name, content in made.items()}
                for user, made in self.contents.items()
                if made
            },
        }
