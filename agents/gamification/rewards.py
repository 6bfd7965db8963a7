"""Grant rewards to users, take their claims, and let unclaimed rewards expire at ticks."""

from __future__ import annotations

from itertools import islice

from msgspec.structs import replace

from agents.gamification.policy import RewardRules
from streams.events import AnyEvent, Event
from streams.events.clock import Ticked
from streams.events.gamification import (
    ClaimRejected,
    ClaimReward,
    RewardClaimed,
    RewardDecided,
    RewardExpired,
    RewardGranted,
)
from streams.events.notifications import NotificationKind, Notified
from streams.times import DAY_US
from tables.gamification import GAMIFICATION_DUE, GAMIFICATION_REWARDS, Reward, RewardDue, Rewards, RewardState
from tables.unit_of_work import UnitOfWork


class RewardBook:
    """The rewards of a partition's users, and the deadlines of those that are not claimed."""

    def __init__(self, tables: UnitOfWork, rules: RewardRules, due_max: int) -> None:
        self._rules = rules
        self._due_max = due_max
        self._users = tables.rows(GAMIFICATION_REWARDS)
        self._due = tables.rows(GAMIFICATION_DUE)

    def grant(self, event: Event[RewardDecided]) -> list[AnyEvent]:
        """Grant a reward, once for each board, period and user."""
        data, user_id, now = event.data, event.partitionkey, int(event.time)
        book = self._users.get(user_id) or Rewards()
        reward_id = f"{data.scope}:{data.board}:{data.period}"
        if any(one.reward_id == reward_id for one in book.rewards):
            return []
        expires_at = now + self._rules.claim_days * DAY_US
        reward = Reward(
            reward_id=reward_id, board=data.board, period=data.period, rank=data.rank, ss=data.ss,
            granted_at=now, expires_at=expires_at,
        )  # fmt: skip
        self._users.put(user_id, Rewards(rewards=(*book.rewards, reward)))
        for at, expires in self._deadlines(reward):
            self._due.put(
                _due_key(at, user_id, reward_id), RewardDue(user_id=user_id, reward_id=reward_id, expires=expires)
            )
        granted = event.then(
            RewardGranted(
                reward_id=reward_id, board=data.board, period=data.period, rank=data.rank, ss=data.ss,
                expires_us=expires_at,
            )
        )  # fmt: skip
        return [granted, granted.then(_notice("reward_granted", reward, granted.id))]

    def claim(self, event: Event[ClaimReward]) -> list[AnyEvent]:
        """Give a user a reward that was granted and has not expired."""
        reward_id, user_id = event.data.reward_id, event.partitionkey
        found = self._find(user_id, reward_id)
        if found is None:
            reason = "unknown_reward"
        elif found.state == "claimed":
            reason = "already_claimed"
        elif found.state == "expired" or event.time >= found.expires_at:
            reason = "expired"
        else:
            self._set(user_id, found, "claimed")
            return [event.then(RewardClaimed(reward_id=reward_id, ss=found.ss))]
        return [event.then(ClaimRejected(reward_id=reward_id, reason=reason))]

    def tick(self, tick: Event[Ticked]) -> list[AnyEvent]:
        """Announce the rewards that expire soon, and let those expire whose time is over; a bounded number a tick."""
        passed = islice(self._due.range(""), self._due_max)
        due = [(key, row) for key, row in passed if int(key.partition("|")[0]) <= tick.time]
        effects: list[AnyEvent] = []
        for key, row in due:
            self._due.delete(key)
            reward = self._find(row.user_id, row.reward_id)
            if reward is not None and reward.state == "granted":
                effects.append(self._end(tick, row, reward))
        return effects

    def _end(self, tick: Event[Ticked], row: RewardDue, reward: Reward) -> AnyEvent:
        name = f"{row.user_id}|{row.reward_id}"
        if not row.expires:
            return tick.then(_notice("reward_expiring", reward, tick.id), key=row.user_id, name=name)
        self._set(row.user_id, reward, "expired")
        expired = RewardExpired(reward_id=reward.reward_id, ss=reward.ss)
        return tick.then(expired, key=row.user_id, name=name)

    def _find(self, user_id: str, reward_id: str) -> Reward | None:
        book = self._users.get(user_id) or Rewards()
        return next((one for one in book.rewards if one.reward_id == reward_id), None)

    def _set(self, user_id: str, reward: Reward, state: RewardState) -> None:
        book = self._users.get(user_id) or Rewards()
        changed = replace(reward, state=state)
        self._users.put(user_id, Rewards(rewards=tuple(changed if one == reward else one for one in book.rewards)))
        for at, _ in self._deadlines(reward):
            self._due.delete(_due_key(at, user_id, reward.reward_id))

    def _deadlines(self, reward: Reward) -> tuple[tuple[int, bool], tuple[int, bool]]:
        return (reward.expires_at - self._rules.notice_days * DAY_US, False), (reward.expires_at, True)


def _due_key(at: int, user_id: str, reward_id: str) -> str:
    return f"{at:019d}|{user_id}|{reward_id}"


def _notice(kind: NotificationKind, reward: Reward, cause_id: str) -> Notified:
    arguments = {"board": reward.board, "period": reward.period, "rank": str(reward.rank), "ss": str(reward.ss)}
    return Notified(kind=kind, text=kind, arguments=arguments, cause_id=cause_id)
