"""Grant rewards to users, take their claims, and let unclaimed rewards expire."""

from __future__ import annotations

from msgspec.structs import replace

from agents.deadlines import Deadlines
from agents.gamification.policy import RewardRules
from agents.notices import notice
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
from streams.times import DAY_US
from tables.gamification import GAMIFICATION_REWARDS, DeadlineKind, Reward, Rewards, RewardState
from tables.keys import SEPARATOR
from tables.unit_of_work import UnitOfWork


class RewardBook:
    """The rewards of a partition's users, and the deadlines of those that are not claimed."""

    def __init__(self, tables: UnitOfWork, rules: RewardRules, deadlines: Deadlines[DeadlineKind]) -> None:
        self._rules = rules
        self._deadlines = deadlines
        deadlines.on({"reward_expiring": self.expiring, "reward_expires": self.expire})
        self._users = tables.rows(GAMIFICATION_REWARDS)

    def grant(self, event: Event[RewardDecided]) -> list[AnyEvent]:
        """Grant a reward, once for each board, period and user, or constellation and user."""
        data, user_id, now = event.data, event.partitionkey, int(event.time)
        book = self._users.get(user_id) or Rewards()
        reward_id = f"{data.scope}:{data.board}:{data.period}"
        if data.constellation is not None:
            reward_id += f":{data.constellation}"
        if any(one.reward_id == reward_id for one in book.rewards):
            return []
        expires_at = now + self._rules.claim_days * DAY_US
        reward = Reward(
            reward_id=reward_id, board=data.board, period=data.period, rank=data.rank, ss=data.ss,
            granted_at=now, expires_at=expires_at,
        )  # fmt: skip
        self._users.put(user_id, Rewards(rewards=(*book.rewards, reward)))
        for kind, at in self._ends(reward):
            self._deadlines.add(kind, _subject(user_id, reward_id), at)
        granted = event.then(
            RewardGranted(
                reward_id=reward_id, board=data.board, period=data.period, rank=data.rank, ss=data.ss,
                expires_us=expires_at,
            )
        )  # fmt: skip
        return [granted, notice(granted, "reward_granted", **_told(reward))]

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

    def expiring(self, subject: str, tick: Event[Ticked]) -> list[AnyEvent]:
        """Announce that a reward expires soon."""
        user_id, reward = self._waiting(subject)
        if reward is None:
            return []
        return [notice(tick, "reward_expiring", user_id=user_id, id_name=subject, **_told(reward))]

    def expire(self, subject: str, tick: Event[Ticked]) -> list[AnyEvent]:
        """Let a reward expire whose time is over."""
        user_id, reward = self._waiting(subject)
        if reward is None:
            return []
        self._set(user_id, reward, "expired")
        expired = RewardExpired(reward_id=reward.reward_id, ss=reward.ss)
        return [tick.then(expired, key=user_id, name=subject)]

    def _waiting(self, subject: str) -> tuple[str, Reward | None]:
        """Return the user of a deadline, and the reward unless it was claimed or has expired."""
        user_id, _, reward_id = subject.partition(SEPARATOR)
        reward = self._find(user_id, reward_id)
        return user_id, reward if reward is not None and reward.state == "granted" else None

    def _find(self, user_id: str, reward_id: str) -> Reward | None:
        book = self._users.get(user_id) or Rewards()
        return next((one for one in book.rewards if one.reward_id == reward_id), None)

    def _set(self, user_id: str, reward: Reward, state: RewardState) -> None:
        book = self._users.get(user_id) or Rewards()
        changed = replace(reward, state=state)
        self._users.put(user_id, Rewards(rewards=tuple(changed if one == reward else one for one in book.rewards)))
        for kind, at in self._ends(reward):
            self._deadlines.remove(kind, _subject(user_id, reward.reward_id), at)

    def _ends(self, reward: Reward) -> tuple[tuple[DeadlineKind, int], tuple[DeadlineKind, int]]:
        soon = reward.expires_at - self._rules.notice_days * DAY_US
        return ("reward_expiring", soon), ("reward_expires", reward.expires_at)


def _subject(user_id: str, reward_id: str) -> str:
    return f"{user_id}{SEPARATOR}{reward_id}"


def _told(reward: Reward) -> dict[str, str]:
    return {"board": reward.board, "period": reward.period, "rank": str(reward.rank), "ss": str(reward.ss)}
