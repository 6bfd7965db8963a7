"""Battles: from the challenge to the sealed result.

Rules: domain.md section 6; readings: decision 0040. A member's trades count in the member's entry. The entry reports to
the battle at ticks, so that a battle's sums lag behind the entries.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from tests.community.journal import Entry
from tests.community.oracle.battle_records import Battle, BattleEntry, Fighter, digest_of
from tests.community.oracle.battle_scores import Points, prizes_of, score_of
from tests.community.oracle.behind import Behind
from tests.community.oracle.constellations import LEADERS, Constellation, Constellations
from tests.community.oracle.crossing import Causes, Domains, Rows
from tests.community.oracle.feed import Feed
from tests.community.oracle.social_numbers import HOUR, BattleNumbers

SIDES: Final = ("challenger", "defender")


def time_text(at: int) -> str:
    """Return a time as RFC 3339 in UTC, with no more digits than it needs."""
    text = datetime.fromtimestamp(at // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f"{at % 1_000_000:06d}".rstrip("0")
    return f"{text}.{fraction}Z" if fraction else f"{text}Z"


class Battles:
    """All battles, and the entries of those who fight."""

    def __init__(
        self,
        community: Domains,
        numbers: BattleNumbers,
        constellations: Constellations,
        feed: Feed,
        behind: Behind,
    ) -> None:
        self.community = community
        self.numbers = numbers
        self.constellations = constellations
        self.feed = feed
        self.behind = behind
        self.all: dict[str, Battle] = {}
        self.challenged: dict[str, Battle] = {}
        self.running: dict[str, Battle] = {}
        self.entries: dict[str, BattleEntry] = {}
        self.commands: dict[str, Callable[[Entry], None]] = {
            "ChallengeBattle": self._challenge,
            "AcceptBattle": self._answer,
            "DeclineBattle": self._answer,
            "WithdrawChallenge": self._withdraw,
        }

    # --- challenges ---------------------------------------------------------------------------------------------------

    def _challenge(self, entry: Entry) -> None:
        found = self.constellations.of(entry.user)
        opponent_id = entry.data["opponent"]
        if found is None or found[1].role not in LEADERS or found[0].id == opponent_id:
            return
        challenger = found[0]
        if challenger.engagement is not None:
            return
        battle = Battle(
            id=entry.data["battle_id"],
            kind=entry.data["kind"],
            hours=entry.data.get("hours") or self.numbers.hours,
            user_id=entry.user,
            sides={"challenger": challenger.id, "defender": opponent_id},
            proposed_at=entry.at,
        )
        self.all[battle.id] = battle
        self.behind.note("social-battles", battle.id, (entry.id,))
        self.behind.note("social-constellations", challenger.id, (entry.id,))
        defender = self.constellations.standing(opponent_id)
        if (
            defender is None
            or defender.engagement is not None
            or abs(defender.rating - challenger.rating) > self.numbers.rating_gap
        ):
            battle.state, battle.completed_at = "refused", entry.at
            return
        battle.expires_at = entry.at + self.numbers.challenge
        self.challenged[battle.id] = battle
        self._engage(challenger, battle, "challenger", defender.id, entry)
        self._engage(defender, battle, "defender", challenger.id, entry)
        arguments = {"battle_id": battle.id, "challenger": challenger.name, "name": defender.name}
        for member in defender.members.values():
            if member.role in LEADERS:
                self._tell(member.user_id, "battle_challenge", "", arguments, at=entry.at, causes=(entry.id,))

    def _engage(self, one: Constellation, battle: Battle, side: str, opponent: str, entry: Entry) -> None:
        one.engagement = {
            "battle_id": battle.id,
            "side": side,
            "opponent": opponent,
            "user_id": entry.user if side == "challenger" else "",
            "confirmed": True,
            "since": entry.at,
        }
        one.battles.insert(0, battle.id)
        self.behind.note("social-constellations", one.id, (entry.id,))

    def _free(self, battle: Battle, causes: Causes) -> None:
        for side in SIDES:
            one = self.constellations.all[battle.sides[side]]
            if one.dissolved_at:
                continue
            one.engagement = None
            self.behind.note("social-constellations", one.id, causes)
        self.behind.note("social-battles", battle.id, causes)

    def _tell(self, user: str, kind: str, text: str, arguments: dict[str, str], *, at: int, causes: Causes) -> None:
        """Notify a user. The text's key is the kind unless it is given."""
        self.community.user.notify(user, kind, at, causes, text=text or kind, arguments=arguments)

    def _answer(self, entry: Entry) -> None:
        found, battle = self.constellations.of(entry.user), self.challenged.get(entry.data["battle_id"])
        if (
            found is None
            or battle is None
            or found[1].role not in LEADERS
            or found[0].id != battle.sides["defender"]
            or entry.at >= battle.expires_at
        ):
            return
        del self.challenged[battle.id]
        if entry.name == "DeclineBattle":
            battle.state, battle.completed_at = "declined", entry.at
            self._free(battle, (entry.id,))
        else:
            self._start(battle, entry)

    def _withdraw(self, entry: Entry) -> None:
        found, battle = self.constellations.of(entry.user), self.challenged.get(entry.data["battle_id"])
        if found is None or battle is None or found[1].role not in LEADERS:
            return
        if found[0].id == battle.sides["challenger"]:
            del self.challenged[battle.id]
            battle.state, battle.completed_at = "withdrawn", entry.at
            self._free(battle, (entry.id,))

    def left_alone(self, constellation: Constellation, entry: Entry) -> None:
        """Decline the open challenge of a constellation that was dissolved. A battle that has begun goes on."""
        engagement, constellation.engagement = constellation.engagement, None
        battle = None if engagement is None else self.challenged.pop(engagement["battle_id"], None)
        if battle is not None:
            battle.state, battle.completed_at = "declined", entry.at
            self._free(battle, (entry.id,))

    # --- the battle ---------------------------------------------------------------------------------------------------

    def _start(self, battle: Battle, entry: Entry) -> None:
        battle.state = "running"
        battle.starts_at = entry.at + self.numbers.start_delay
        battle.ends_at = battle.starts_at + battle.hours * HOUR
        self.running[battle.id] = battle
        self.behind.note("social-battles", battle.id, (entry.id,))
        defenders = self.constellations.all[battle.sides["defender"]].members
        for side in SIDES:
            for user in self.constellations.all[battle.sides[side]].members:
                if side == "defender" or user not in defenders:
                    battle.fighters[user] = Fighter(side=side)
        for user, fighter in battle.fighters.items():
            self.behind.note("social-battle-points", f"{battle.id}|{user}", (entry.id,))
            self._enter(battle, user, fighter, entry)
        self._complete_when_all_are_final(battle, entry.at, (entry.id,))

    def _enter(self, battle: Battle, user: str, fighter: Fighter, entry: Entry) -> None:
        """Open the entry of a member. A user who is in another battle still does not take part."""
        if user in self.entries:
            fighter.final = True
            return
        own, other = SIDES if fighter.side == "challenger" else SIDES[::-1]
        self.entries[user] = BattleEntry(battle=battle, constellation_id=battle.sides[own])
        self.behind.note("social-battle-entries", user, (entry.id,))
        arguments = {
            "battle_id": battle.id,
            "opponent": battle.sides[other],
            "starts_at": time_text(battle.starts_at),
            "ends_at": time_text(battle.ends_at),
        }
        self._tell(user, "battle_started", "", arguments, at=entry.at, causes=(entry.id,))

    def traded(self, user: str, trade: str, pnl: int, *, closing: bool, at: int, causes: Causes) -> None:
        """Count a fill, a close or a liquidation whose time lies within the battle of its user."""
        entry = self.entries.get(user)
        if entry is None or not entry.battle.starts_at <= at < entry.battle.ends_at:
            return
        known = entry.trades.get(trade)
        before, was_closing = known or (0, False)
        after, is_closing = before + pnl, was_closing or closing
        entry.trades[trade] = (after, is_closing)
        points = Points(
            pnl=entry.points.pnl + pnl,
            closes=entry.points.closes + (is_closing and not was_closing),
            wins=entry.points.wins + (is_closing and after > 0) - (was_closing and before > 0),
            trades=entry.points.trades + (known is None),
        )
        if points != entry.points or not entry.report_at:
            self.behind.note("social-battle-entries", user, causes)
        entry.points, entry.report_at = points, entry.report_at or at + self.numbers.report
        if known != entry.trades[trade]:
            self.behind.note("social-battle-trades", f"{user}|{trade}", causes)

    # --- ticks --------------------------------------------------------------------------------------------------------

    def tick(self, entry: Entry) -> None:
        """Do what is due: expire challenges, tell scores, report points, complete battles."""
        at, causes = entry.at, (entry.id,)
        for battle in [one for one in self.challenged.values() if one.expires_at <= at]:
            del self.challenged[battle.id]
            battle.state, battle.completed_at = "expired", at
            self._free(battle, causes)
        for battle in [one for one in self.running.values() if one.announce_at and one.announce_at <= at]:
            self._announce(battle, causes)
        for user, mine in [*self.entries.items()]:
            is_over = at >= mine.battle.ends_at + self.numbers.close_grace
            if is_over or (mine.report_at and mine.report_at <= at):
                self._report(user, mine, at, causes, final=is_over)
        for battle in [*self.running.values()]:
            self._complete_when_all_are_final(battle, at, causes)

    def _announce(self, battle: Battle, causes: Causes) -> None:
        battle.announce_at = 0
        scores = [self._score(battle, side) for side in SIDES]
        if scores == battle.announced:
            return
        battle.announced = scores
        self.behind.note("social-battles", battle.id, causes)

    def _report(self, user: str, entry: BattleEntry, at: int, causes: Causes, *, final: bool) -> None:
        battle, fighter = entry.battle, entry.battle.fighters[user]
        self.behind.note("social-battle-entries", user, causes)
        if final or fighter.points != entry.points:
            self.behind.note("social-battle-points", f"{battle.id}|{user}", causes)
            self.behind.note("social-battles", battle.id, causes)
        fighter.points, fighter.final, entry.report_at = entry.points, final, 0
        if final:
            del self.entries[user]
            for trade in entry.trades:
                self.behind.note("social-battle-trades", f"{user}|{trade}", causes)
        elif not battle.announce_at and [self._score(battle, side) for side in SIDES] != battle.announced:
            battle.announce_at = at + self.numbers.report

    def _score(self, battle: Battle, side: str) -> int:
        return score_of(battle.summed(side), self.numbers, self.numbers.kinds[battle.kind])

    def _complete_when_all_are_final(self, battle: Battle, at: int, causes: Causes) -> None:
        if not all(fighter.final for fighter in battle.fighters.values()):
            return
        del self.running[battle.id]
        scores = [self._score(battle, side) for side in SIDES]
        best = max(scores)
        leading = [side for side, score in zip(SIDES, scores, strict=True) if score == best]
        battle.state, battle.completed_at = "completed", at
        battle.winner = battle.sides[leading[0]] if len(leading) == 1 else None
        for side in SIDES:
            self._pay(battle, side, leading)
        battle.digest = digest_of(battle)
        self._free(battle, causes)
        for side in SIDES:
            self._rate(battle, side, leading, at, causes)
        for user in battle.fighters:
            self._fought(battle, user, leading, at, causes)

    def _pay(self, battle: Battle, side: str, leading: list[str]) -> None:
        """Divide the side's share of the pool by contribution."""
        tied, won = len(leading) > 1, side in leading
        part = (1 - self.numbers.winner) if not won else self.numbers.winner
        share = self.numbers.pool // 2 if tied else int(self.numbers.pool * part)
        points = {user: one.points for user, one in battle.fighters.items() if one.side == side}
        for user, prize in prizes_of(share, points, self.numbers).items():
            battle.fighters[user].prize = prize

    def _rate(self, battle: Battle, side: str, leading: list[str], at: int, causes: Causes) -> None:
        one = self.constellations.all[battle.sides[side]]
        if one.dissolved_at:
            return
        before = one.rating
        if len(leading) > 1:
            one.tied += 1
        elif side in leading:
            one.won += 1
            one.rating += self.numbers.win
        else:
            one.lost += 1
            one.rating = max(self.numbers.rating_floor, one.rating + self.numbers.loss)
        if one.rating != before:
            one.rated_at = at
            self.behind.note("social-ratings", one.id, causes)
            self.community.gamification.battle_rated(one.id, one.rating, at, causes)

    def _fought(self, battle: Battle, user: str, leading: list[str], at: int, causes: Causes) -> None:
        fighter = battle.fighters[user]
        won = None if len(leading) > 1 else fighter.side in leading
        result = "tied" if won is None else "won" if won else "lost"
        self.behind.note("social-battle-points", f"{battle.id}|{user}", causes)
        arguments = {"battle_id": battle.id, "constellation_id": battle.sides[fighter.side]}
        self.feed.add(user, "battle", f"feed.battle_{result}", arguments, at=at, causes=causes)
        told = {"battle_id": battle.id, "prize_ss": str(fighter.prize)}
        self._tell(user, "battle_result", f"battle_{result}", told, at=at, causes=causes)
        if fighter.prize:
            self.community.financial.granted(user, fighter.prize, reason="battle", at=at, causes=causes)
        self.community.gamification.battle_fought(user, at, causes, won=won, prize=fighter.prize)

    # --- rows ---------------------------------------------------------------------------------------------------------

    def rows(self) -> Rows:
        """Return the rows of battles."""
        return {
            "social-battles": {battle.id: self._row(battle) for battle in self.all.values()},
            "social-battle-points": {
                f"{battle.id}|{user}": {
                    "side": one.side,
                    **asdict(one.points),
                    "final": one.final,
                    "prize": one.prize,
                }
                for battle in self.all.values()
                for user, one in battle.fighters.items()
            },
            "social-battle-entries": {
                user: {
                    "battle_id": entry.battle.id,
                    "constellation_id": entry.constellation_id,
                    "starts_at": entry.battle.starts_at,
                    "ends_at": entry.battle.ends_at,
                    **asdict(entry.points),
                    "reported": not entry.report_at,
                }
                for user, entry in self.entries.items()
            },
            "social-battle-trades": {
                f"{user}|{trade}": {"pnl": pnl, "closing": closing}
                for user, entry in self.entries.items()
                for trade, (pnl, closing) in entry.trades.items()
            },
        }

    def _row(self, battle: Battle) -> dict[str, Any]:
        return {
            "state": battle.state,
            "kind": battle.kind,
            "hours": battle.hours,
            "user_id": battle.user_id,
            **{side: self._side_row(battle, side) for side in SIDES},
            "proposed_at": battle.proposed_at,
            "expires_at": battle.expires_at,
            "starts_at": battle.starts_at,
            "ends_at": battle.ends_at,
            "completed_at": battle.completed_at,
            "winner": battle.winner,
            "digest": battle.digest,
            "announced": battle.announced,
        }

    def _side_row(self, battle: Battle, side: str) -> dict[str, Any]:
        fighters = battle.side(side)
        return {
            "constellation_id": battle.sides[side],
            "members": len(fighters),
            "closed": sum(one.final for one in fighters),
            **asdict(battle.summed(side)),
            "score": self._score(battle, side),
            "prize": sum(one.prize for one in fighters),
        }
