"""Rewards for ranks on sealed boards: decided, granted, announced, claimed, expired (domain.md section 13)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from tests.community.oracle.crossing import Causes
from tests.community.oracle.times import DAY

CLAIM: Final = 90 * DAY
NOTICE: Final = 7 * DAY


class Rule(NamedTuple):
    """The rewards of one kind of period of a board: the shards of each rank up to the first number, and so on."""

    scope: str
    board: str
    kind: str
    bands: tuple[tuple[int, int], ...]

    @property
    def ranks(self) -> int:
        """Return the last rank that earns something."""
        return self.bands[-1][0]

    def shards(self, rank: int) -> int:
        """Return the shards of a rank."""
        return next(shards for last, shards in self.bands if rank <= last)


RULES: Final = (
    Rule("global", "xp", "week", ((1, 1_000), (3, 500), (10, 200))),
    Rule("global", "xp", "season", ((1, 10_000), (3, 5_000), (10, 2_000), (100, 500))),
    Rule("constellations", "xp", "season", ((1, 20_000), (3, 10_000), (10, 4_000))),
)


@dataclass(slots=True)
class Reward:
    """A reward of a user. Its id names scope, board and period."""

    id: str
    board: str
    period: str
    rank: int
    shards: int
    granted_at: int
    state: str = "granted"
    announced: bool = False

    @property
    def expires_at(self) -> int:
        """Return when it can no longer be claimed."""
        return self.granted_at + CLAIM

    @property
    def arguments(self) -> dict[str, str]:
        """Return what its notifications say."""
        return {"board": self.board, "period": self.period, "rank": str(self.rank), "ss": str(self.shards)}

    def row(self) -> dict[str, Any]:
        """Return the reward as a row shows it."""
        return {
            "reward_id": self.id,
            "board": self.board,
            "period": self.period,
            "rank": self.rank,
            "ss": self.shards,
            "granted_at": self.granted_at,
            "expires_at": self.expires_at,
            "state": self.state,
        }


@dataclass(slots=True)
class Rewards:
    """The rewards of all users, in the order of granting."""

    users: dict[str, list[Reward]] = field(default_factory=lambda: defaultdict(list))
    causes: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def grant(self, user: str, reward: Reward, causes: Causes) -> bool:
        """Grant a reward once. Return whether it is new."""
        if any(one.id == reward.id for one in self.users[user]):
            return False
        self.users[user].append(reward)
        self.causes[user].update(causes)
        return True

    def claim(self, user: str, reward_id: str, at: int, causes: Causes) -> Reward | None:
        """Give a user a reward that was granted and has not expired; return it, or None when nothing changed."""
        found = next((one for one in self.users.get(user, ()) if one.id == reward_id), None)
        if found is None or found.state != "granted" or at >= found.expires_at:
            return None
        found.state = "claimed"
        self.causes[user].update(causes)
        return found

    def tick(self, at: int, causes: Causes) -> list[tuple[str, Reward]]:
        """Let rewards expire; return those that are announced to expire soon, with their users."""
        announced = []
        for user, rewards in self.users.items():
            for one in rewards:
                if one.state != "granted":
                    continue
                if at >= one.expires_at - NOTICE and not one.announced:
                    one.announced = True
                    announced.append((user, one))
                if at >= one.expires_at:
                    one.state = "expired"
                    self.causes[user].update(causes)
        return announced

    def rows(self) -> dict[str, dict[str, Any]]:
        """Return the rewards of each user, by their ids: those of one tick come in any order."""
        return {
            user: {"rewards": [one.row() for one in sorted(rewards, key=lambda one: one.id)]}
            for user, rewards in self.users.items()
            if rewards
        }

    def due(self) -> dict[str, dict[str, Any]]:
        """Return the deadlines of rewards that are neither claimed nor expired, by time, user and reward."""
        found: dict[str, dict[str, Any]] = {}
        for user, rewards in self.users.items():
            for one in rewards:
                deadlines = {"reward_expiring": one.expires_at - NOTICE, "reward_expires": one.expires_at}
                for kind, time in deadlines.items() if one.state == "granted" else ():
                    if kind == "reward_expires" or not one.announced:
                        found[f"{time:019d}|{kind}|{user}|{one.id}"] = {"at": time}
        return found
