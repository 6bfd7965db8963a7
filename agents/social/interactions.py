"""Interactions between two people. The actor's partition asks; the target's decides and answers always.

A follow takes a place among those that the actor may follow when it is asked for. The answer confirms or frees it.
"""

from __future__ import annotations

from msgspec.structs import replace

from agents.deadlines import Deadlines
from agents.dispatch import Rules
from agents.social import hourly
from agents.social.people_policy import PeoplePolicy
from agents.social.people_tables import PeopleTables
from agents.social.refusals import rejected
from streams.events import AnyEvent, Event
from streams.events.clock import Ticked
from streams.events.people_steps import FollowerLost, InteractionDecided, InteractionRequested
from streams.events.social import Interact, Interacted, SocialCommandRejected, Unfollow, Unfollowed
from streams.events.user import AccountClosed
from tables.keys import SEPARATOR
from tables.social_constellations import DeadlineKind
from tables.social_people import Follow, Follows, Interactions


class Interacting:
    """The rules in the partition of the user who acts."""

    def __init__(self, tables: PeopleTables, policy: PeoplePolicy, deadlines: Deadlines[DeadlineKind]) -> None:
        self._tables = tables
        self._policy = policy
        self._deadlines = deadlines
        deadlines.on({"follow": self._unanswered})

    def rules(self) -> Rules:
        """Return the rule of each class of event."""
        return {
            Interact: self.ask,
            InteractionDecided: self.conclude,
            Unfollow: self.unfollow,
        }

    def ask(self, event: Event[Interact]) -> list[AnyEvent]:
        """Count an interaction, and ask the target's partition for it."""
        asked, user_id = event.data, event.partitionkey
        if reason := self._refusal(user_id, asked):
            return [rejected(event, Interact, reason, asked.target)]
        counted = self._tables.interactions.get(user_id) or Interactions()
        slot = hourly.take(counted.times, int(event.time), self._policy.interactions_per_hour_max)
        if slot.free_at is not None:
            return [rejected(event, Interact, "hourly_limit", asked.target, free_at=slot.free_at)]
        self._tables.interactions.put(user_id, Interactions(times=slot.times))
        if asked.kind == "follow":
            self._put_follow(user_id, asked.target, Follow(since=int(event.time), request_id=event.id))
            subject = f"{user_id}{SEPARATOR}{asked.target}"
            self._deadlines.add("follow", subject, event.time + self._policy.reservation_us)
        request = InteractionRequested(
            actor=user_id, kind=asked.kind, content_id=asked.content_id, platform=asked.platform
        )
        return [event.then(request, key=asked.target)]

    def conclude(self, event: Event[InteractionDecided]) -> list[AnyEvent]:
        """Take the answer of the target's partition."""
        decided, user_id = event.data, event.partitionkey
        if decided.kind == "follow" and not self._conclude_follow(event):
            if decided.reason is not None:
                return []
            asked_again = decided.target in self._tables.follows_of(user_id).followed
            lost = FollowerLost(follower=user_id, asked_again=asked_again)
            return [event.then(lost, key=decided.target)]
        if decided.reason is not None:
            self._give_back(user_id, int(event.time))
            return [rejected(event, Interact, decided.reason, decided.target)]
        done = Interacted(
            target=decided.target, kind=decided.kind, content_id=decided.content_id, platform=decided.platform
        )
        return [event.then(done)]

    def unfollow(self, event: Event[Unfollow]) -> list[AnyEvent]:
        """Follow a user no longer. A follow that was not answered yet ends with its answer."""
        user_id, target = event.partitionkey, event.data.target
        follow = self._tables.follows_of(user_id).followed.get(target)
        if follow is None or follow.withdrawn:
            return [rejected(event, Unfollow, "not_followed", target)]
        unfollowed = event.then(Unfollowed(target=target))
        if not follow.stands:
            self._put_follow(user_id, target, replace(follow, withdrawn=True))
            return [unfollowed]
        self._drop_follow(user_id, target)
        return [unfollowed, event.then(FollowerLost(follower=user_id), key=target)]

    def mark_friend(self, user_id: str, other: str, *, friend: bool) -> None:
        """Note whether a user whom this one follows follows back."""
        follow = self._tables.follows_of(user_id).followed.get(other)
        if follow is not None and follow.friend != friend:
            self._put_follow(user_id, other, replace(follow, friend=friend))

    def leave(self, event: Event[AccountClosed], user_id: str) -> list[AnyEvent]:
        """End all follows of a user whose account is closed."""
        followed = self._tables.follows_of(user_id).followed
        waiting = {other: replace(one, withdrawn=True) for other, one in followed.items() if not one.stands}
        self._tables.put_follows(user_id, Follows(followed=waiting))
        self._tables.interactions.delete(user_id)
        lost = FollowerLost(follower=user_id)
        return [event.then(lost, key=other, name=other) for other, one in followed.items() if one.stands]

    def _unanswered(self, subject: str, tick: Event[Ticked]) -> list[AnyEvent]:
        """Release a follow that was not answered in time. A later acceptance is undone at the target."""
        user_id, _, target = subject.partition(SEPARATOR)
        follow = self._tables.follows_of(user_id).followed.get(target)
        if follow is None or follow.stands or tick.time < follow.since + self._policy.reservation_us:
            return []  # answered, or a later follow, which has a deadline of its own
        self._drop_follow(user_id, target)
        self._give_back(user_id, follow.since)
        if follow.withdrawn:
            return []
        expired = SocialCommandRejected(command=Interact.__name__, reason="expired", subject_id=target)
        return [tick.then(expired, name=subject, key=user_id)]

    # --- inside -------------------------------------------------------------------------------------------------------

    def _refusal(self, user_id: str, asked: Interact) -> str | None:
        """Return why a user may not ask for an interaction, whatever the hour."""
        if asked.target == user_id:
            return "self_interaction"
        if asked.kind == "share" and asked.content_id is not None and asked.platform is None:
            return "platform_missing"
        return self._follow_refusal(user_id, asked.target) if asked.kind == "follow" else None

    def _follow_refusal(self, user_id: str, target: str) -> str | None:
        followed = self._tables.follows_of(user_id).followed
        if (follow := followed.get(target)) is not None:
            return "follow_pending" if follow.withdrawn else "already_followed"
        return "follows_limit" if len(followed) >= self._policy.follows_max else None

    def _conclude_follow(self, event: Event[InteractionDecided]) -> bool:
        """Confirm or free the place of a follow. Return whether the user still wants to follow."""
        user_id, decided = event.partitionkey, event.data
        follow = self._tables.follows_of(user_id).followed.get(decided.target)
        if follow is None or follow.request_id != event.correlationid:
            return False
        if decided.reason is not None or follow.withdrawn:
            self._drop_follow(user_id, decided.target)
            if follow.withdrawn and decided.reason is not None:
                self._give_back(user_id, int(event.time))
            return not follow.withdrawn
        friend = follow.friend or decided.follows_back
        self._put_follow(user_id, decided.target, replace(follow, request_id="", friend=friend))
        return True

    def _put_follow(self, user_id: str, target: str, follow: Follow) -> None:
        followed = self._tables.follows_of(user_id).followed
        self._tables.put_follows(user_id, Follows(followed={**followed, target: follow}))

    def _drop_follow(self, user_id: str, target: str) -> None:
        followed = self._tables.follows_of(user_id).followed
        self._tables.put_follows(
            user_id, Follows(followed={other: one for other, one in followed.items() if other != target})
        )

    def _give_back(self, user_id: str, at: int) -> None:
        counted = self._tables.interactions.get(user_id)
        if counted is not None:
            self._tables.interactions.put(user_id, Interactions(times=hourly.give_back(counted.times, at)))
