"""The gamification domain of the oracle: players, boards, seals and rewards (domain.md sections 4, 5, 6, 13 and 14).

Not computed: nothing. Each row of `gamification-progress`, `-trades`, `-boards`, `-watermark`, `-seals`, `-sealing`,
`-deciding`, `-rewards`, `-due` and `-overtakings` is compared whole. Of a row of standings, the rank score is left
out: it only orders.

One round:

* A user earns in one way only: the user's own command, a rating by another, a deposit, or a battle's end, but no two.
  Achievements are listed in the order of unlocking, and the order of two causes in one round is open.
* A tick that begins a new day must seal in one step. So `seal_rows_max` of the rule book exceeds the rows of standings
  of a partition, and ticks do not skip a day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.community.journal import TICK, Entry
from tests.community.oracle import crossing
from tests.community.oracle.achievements import GENESIS, is_higher
from tests.community.oracle.clans import SCOPE, Clans
from tests.community.oracle.crossing import Causes, Domains, Execution, Rows, Settlement
from tests.community.oracle.leaving import ended_by
from tests.community.oracle.overtaken import FirstPlaces
from tests.community.oracle.partitions import partition_of
from tests.community.oracle.players import JOIN_XP, SHARDS_EACH_XP, SOCIAL_XP, Player, deposit_xp
from tests.community.oracle.rewards import RULES, Reward, Rewards, Rule
from tests.community.oracle.standings import GLOBAL, Boards, Partition
from tests.community.oracle.streaks import BreakingStreaks
from tests.community.oracle.times import day_of, end_of, kind_of
from tests.community.oracle.user_windows import Seen, Streaked, UserWindows
from tests.oracle.progress import max_leverage


class Gamification(crossing.Gamification):
    """Applies what concerns the gamification domain."""

    def __init__(self, community: Domains) -> None:
        self.community = community
        self.players: dict[str, Player] = {}
        self.boards = Boards(community.partitions)
        self.rewards = Rewards()
        self.breaking = BreakingStreaks()
        self.first = FirstPlaces()
        self.clans = Clans(self.boards)
        self.windows = UserWindows()
        self.decided_to = 0
        """All periods that end here or earlier are sealed in all partitions, and their rewards are decided."""

    def apply(self, entry: Entry) -> None:
        """Apply a tick or a claim."""
        if entry.name == TICK:
            if self.boards.tick(entry.at, entry.id):
                self._decide(entry)
            for user, reward in self.rewards.tick(entry.at, (entry.id,)):
                self._tell(user, "reward_expiring", reward.arguments, entry.at, (entry.id,))
            for user, kind in self.breaking.tick(entry.at):
                arguments = {"streak": kind, "days": str(self.players[user].streak_days(kind))}
                self._tell(user, "streak_breaking", arguments, entry.at, (entry.id,))
            for user, arguments in self.first.tick(entry.at, self.boards, entry.id):
                self._tell(user, "overtaken", arguments, entry.at, (entry.id,))
            self.clans.tick(entry.id)
        elif entry.name == "ClaimReward":
            self._claim(entry)

    # --- what others tell ---------------------------------------------------------------------------------------------

    def traded(self, execution: Execution) -> None:
        """Count a fill. It closes when it says so, or when it has a pnl."""
        closes = execution.closes or execution.pnl != 0
        with self._changing(execution.user, execution.causes):
            self._traded(execution, execution.market, notional=execution.notional, closes=closes, by_user=True)

    def settled(self, settlement: Settlement) -> None:
        """Count a close as the user's, and a liquidation as a losing close for which the user did nothing."""
        with self._changing(settlement.user, settlement.causes):
            self._traded(settlement, settlement.market, notional=0, closes=True, by_user=not settlement.liquidated)

    def logged_in(self, user: str, at: int, causes: Causes) -> None:
        """Continue the streak of sign-ins."""
        with self._changing(user, causes):
            self._happened(user, at, causes, streak="login")

    def interacted(self, user: str, kind: str, at: int, causes: Causes, *, source: str = "") -> None:
        """Grant the XP of an interaction, and continue the social streak."""
        with self._changing(user, causes):
            self._happened(user, at, causes, streak="social", xp=SOCIAL_XP[kind])

    def joined_constellation(
        self, user: str, at: int, causes: Causes, *, constellation: str, founded: bool, source: str = ""
    ) -> None:
        """Grant the XP of joining, which a founder earns, too."""
        with self._changing(user, causes) as player:
            player.constellation, player.founded = constellation, player.founded or founded
            self._happened(user, at, causes, streak="social", xp=JOIN_XP)

    def left_constellation(self, user: str, at: int, causes: Causes) -> None:
        """Note that the user has no constellation."""
        with self._changing(user, causes) as player:
            player.constellation = None
            self._happened(user, at, causes)

    def rating_changed(self, user: str, rating_ppm: int, at: int, causes: Causes, *, source: str = "") -> None:
        """Note a social rating."""
        with self._changing(user, causes) as player:
            player.rating_ppm = rating_ppm
            self._happened(user, at, causes)

    def battle_fought(
        self, user: str, at: int, causes: Causes, *, won: bool | None, prize: int, source: str = ""
    ) -> None:
        """Count a battle that was won, and a prize as earned shards."""
        if won or prize:
            with self._changing(user, causes) as player:
                player.battle_wins += won is True
                player.shards += prize
                self._happened(user, at, causes)

    def deposited(self, user: str, asset: str, amount: int, *, at: int, causes: Causes, source: str = "") -> None:
        """Grant the XP of a deposit of USD."""
        if asset == "USD":
            with self._changing(user, causes):
                self._happened(user, at, causes, xp=deposit_xp(amount))

    # --- rows ---------------------------------------------------------------------------------------------------------

    def rows(self) -> Rows:
        """Return every row of the domain."""
        numbered = list(enumerate(self.boards.partitions))
        return {
            "gamification-progress": {user: player.row() for user, player in self.players.items()},
            "gamification-trades": {
                f"{user}|{trade}": tally.row()
                for user, player in self.players.items()
                for trade, tally in player.tallies.items()
            },
            "gamification-boards": self.boards.rows(),
            "gamification-watermark": {
                f"{number}/watermark": {"highest": one.highest, "late": one.late}
                for number, one in numbered
                if one.watermark_stored
            },
            "gamification-sealing": {
                f"{number}/sealing": _sealing(one) for number, one in numbered if one.sealing_stored
            },
            "gamification-seals": {
                f"{number}/{group}": {"rows": seal.rows, "root": seal.root, "sealed_at": seal.sealed_at}
                for number, one in numbered
                for group, seal in one.seals.items()
            },
            "gamification-deciding": dict(self._deciding()),
            "gamification-rewards": self.rewards.rows(),
            "gamification-deadlines": {**self.rewards.due(), **self.breaking.rows()},
            "gamification-overtakings": self.first.rows(),
            "gamification-contributions": self.clans.rows(),
            "gamification-days": {key: {**row} for key, row in self.windows.days.items()},
            "gamification-hours": {**self.windows.hours()},
        }

    def folded(self, table: str, key: str) -> set[str]:
        """Return the entries behind a row; none for rows that follow from other rows, such as deadlines.

        The key of a row of standings is the product's, or that of one standing.
        """
        found: set[str] = set()
        match table:
            case "gamification-progress":
                found = self.players[key].causes
            case "gamification-trades":
                user, _, trade = key.partition("|")
                found = self.players[user].tallies[trade].causes
            case "gamification-boards":
                found = self.boards.folded(key)
            case "gamification-seals":
                number, _, group = key.partition("/")
                found = {self.boards.partitions[int(number)].seals[group].cause}
            case "gamification-rewards":
                found = self.rewards.causes[key]
            case "gamification-overtakings":
                found = self.first.causes[key]
            case "gamification-days":
                found = self.windows.causes[key]
            case "gamification-contributions":
                found = self.clans.causes[key]
        return set(found)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _player(self, user: str) -> Player:
        return self.players.setdefault(user, Player())

    @contextmanager
    def _changing(self, user: str, causes: Causes) -> Iterator[Player]:
        """Yield a player; if the player's row is another one then, note the entries that it comes from."""
        before = self.players[user].row() if user in self.players else None
        player = self._player(user)
        yield player
        if player.row() != before:
            player.causes.update(causes)

    def _traded(self, fact: Execution | Settlement, market: str, *, notional: int, closes: bool, by_user: bool) -> None:
        """Count a fact of trading for the player, and on the boards: all XP, volume, pnl of closes, and new trades."""
        user, at, causes = fact.user, fact.at, fact.causes
        periods = self.boards.open_periods(user, at)
        player = self._player(user)
        xp = player.xp
        if by_user and self._be_active(user, "trading", at):
            days = player.streaks["trading"].days
            self.boards.reach(user, days, at=at, periods=periods, causes=causes)
        first = player.trade(
            fact.trade,
            notional=notional,
            pnl=fact.pnl,
            closes=closes,
            by_user=by_user,
            today=day_of(self.boards.partition(user).highest),
            kept_days=self.community.kept_days,
        )
        player.tallies[fact.trade].causes.update(causes)
        self._settle(user, at, causes)
        if player.constellation is not None and player.xp > xp:
            self.clans.earn(player.constellation, player.xp - xp, at, periods)
        self.windows.count(
            user,
            at,
            self._seen(user),
            xp=player.xp - xp,
            causes=causes,
            fact=fact,
            first=first,
            active=by_user,
            streak=self._streaked(player, "trading", at) if by_user else None,
        )
        points = [("xp", player.xp - xp, player.xp > xp), ("trades", 1, first)]
        for board, amount, counts in points:
            if counts:
                self.boards.add(GLOBAL, board, user, amount, at=at, periods=periods, causes=causes)
        for scope in (GLOBAL, market):
            if notional:
                self.boards.add(scope, "volume", user, notional, at=at, periods=periods, causes=causes)
            if closes:
                self.boards.add(scope, "pnl", user, fact.pnl, at=at, periods=periods, causes=causes)

    def is_past(self, table: str, key: str) -> bool:
        """Return whether a row is so old that it may have left."""
        user, _, trade = key.partition("|")
        kept_days = self.community.kept_days
        if table == "gamification-trades":
            return self.players[user].tallies[trade].day <= day_of(self.boards.partition(user).highest) - kept_days
        member = user if table == "gamification-days" else trade
        is_of_time = table in {"gamification-boards", "gamification-days"}
        return is_of_time and ended_by(table, key, self.boards.partition(member).highest, kept_days)

    def _happened(self, user: str, at: int, causes: Causes, *, streak: str = "", xp: int = 0) -> None:
        """Count something other than a trade. Its XP are not multiplied. Only XP move the watermark and score."""
        player = self._player(user)
        before = player.xp
        if streak:
            self._be_active(user, streak, at)
        player.gain(xp)
        self._settle(user, at, causes)
        periods = self.boards.open_periods(user, at) if player.xp > before else ()
        if streak or player.xp > before:
            self.windows.count(
                user,
                at,
                self._seen(user),
                xp=player.xp - before,
                causes=causes,
                active=bool(streak),
                streak=self._streaked(player, streak, at) if streak else None,
            )
        if player.xp > before:
            self.boards.add(GLOBAL, "xp", user, player.xp - before, at=at, periods=periods, causes=causes)
            if player.constellation is not None:
                self.clans.earn(player.constellation, player.xp - before, at, periods)

    def _seen(self, user: str) -> Seen:
        return Seen(partition_of(user, len(self.boards.partitions)), self.boards.partition(user).highest)

    @staticmethod
    def _streaked(player: Player, kind: str, at: int) -> Streaked | None:
        streak = player.streaks[kind]
        return Streaked(kind, streak.days) if streak.last_day == day_of(at) else None

    def _be_active(self, user: str, kind: str, at: int) -> bool:
        """Continue a streak, and watch it when its last day moved. Return whether it did."""
        player = self._player(user)
        before = player.streaks.get(kind)
        player.be_active(kind, at)
        moved = player.streaks[kind] is not before
        if moved:
            self.breaking.watch(user, kind, player.streaks[kind].last_day)
        return moved

    def _settle(self, user: str, at: int, causes: Causes) -> None:
        """Unlock achievements, and tell the others of levels, shards and eligibility."""
        player = self._player(user)
        tier = player.prestige
        unlocked = player.settle(at)
        for level in player.take_risen():
            leverage = max_leverage(level)
            self.community.trading.levelled(user, leverage, at, causes)
            self._tell(user, "level_up", {"level": str(level), "max_leverage": str(leverage)}, at, causes)
            self.community.social.levelled(user, level, at, causes)
        for one in unlocked:
            shards = SHARDS_EACH_XP * one.xp
            self.community.financial.granted(user, shards, reason="achievement", at=at, causes=causes)
            arguments = {"achievement": one.name, "xp": str(one.xp), "ss": str(shards)}
            self._tell(user, "achievement", arguments, at, causes)
            self.community.social.achieved(user, one.name, at, causes)
            if one.name in GENESIS:
                self.community.nft.eligible(user, GENESIS[one.name], at, causes)
        if player.prestige is not None and is_higher(player.prestige, tier):
            self.community.social.prestige_reached(user, player.prestige, at, causes)
        elif player.prestige != tier:
            self.community.social.prestige_lost(user, player.prestige, at, causes)
        if player.becomes_master():
            self.community.nft.eligible(user, "trading_master", at, causes)

    def _decide(self, tick: Entry) -> None:
        """Grant the rewards that all partitions have sealed now, of each board in the order of the periods' ends."""
        before, self.decided_to = self.decided_to, self.boards.sealed_everywhere()
        for scope, board in {(rule.scope, rule.board): None for rule in RULES}:
            kinds = {rule.kind: rule for rule in RULES if (rule.scope, rule.board) == (scope, board)}
            for period in self.boards.ended(before, self.decided_to, scope, board):
                if rule := kinds.get(kind_of(period)):
                    self._grant(rule, period, tick)

    def _grant(self, rule: Rule, period: str, tick: Entry) -> None:
        places = self.boards.ranked(rule.scope, period, rule.board)[: rule.ranks]
        for rank, (_, _, one) in enumerate(places, start=1):
            name, pool = f"{rule.scope}:{rule.board}:{period}", rule.shards(rank)
            shared = rule.scope == SCOPE
            for user, shards in (self.clans.shares(one, period, pool, (tick.id,)) if shared else {one: pool}).items():
                reward = Reward(f"{name}:{one}" if shared else name, rule.board, period, rank, shards, tick.at)
                if self.rewards.grant(user, reward, (tick.id,)):
                    self._tell(user, "reward_granted", reward.arguments, tick.at, (tick.id,))

    def contributed(
        self, constellation: str, user: str, amount: int, *, at: int, causes: Causes, source: str = ""
    ) -> None:
        """Note what a member gave in the season."""
        self.clans.give(constellation, user, amount, at, causes)

    def _claim(self, entry: Entry) -> None:
        reward = self.rewards.claim(entry.user, entry.data["reward_id"], entry.at, (entry.id,))
        if reward is not None:
            causes = (entry.id,)
            self.community.financial.granted(entry.user, reward.shards, reason="reward", at=entry.at, causes=causes)
            with self._changing(entry.user, causes) as player:
                player.shards += reward.shards
                self._happened(entry.user, entry.at, causes)

    def _tell(self, user: str, kind: str, arguments: dict[str, str], at: int, causes: Causes) -> None:
        self.community.user.notify(user, kind, at, causes, text=kind, arguments=arguments)

    def _deciding(self) -> Iterable[tuple[str, dict[str, Any]]]:
        """Yield for each board with rewards what its partitions have sealed, and the first places that wait."""
        sealed = {str(number): one.sealed_to for number, one in enumerate(self.boards.partitions) if one.sealing_stored}
        if sealed:
            for scope, board in {(rule.scope, rule.board): None for rule in RULES}:
                own = [rule for rule in RULES if (rule.scope, rule.board) == (scope, board)]
                waiting = {period: places for rule in own for period, places in self._waiting(rule)}
                yield f"{scope}/{board}", {"sealed_to": sealed, "waiting": waiting}

    def _waiting(self, rule: Rule) -> Iterable[tuple[str, list[dict[str, Any]]]]:
        """Yield the periods that some partitions have sealed and others have not, with the first places so far."""
        latest = max(one.sealed_to for one in self.boards.partitions)
        for period in self.boards.ended(self.decided_to, latest, rule.scope, rule.board):
            end = end_of(period)
            places = [
                {"user_id": user, "score": -negated, "reached_at": at}
                for negated, at, user in self.boards.ranked(rule.scope, period, rule.board)
                if end is not None and self.boards.partition(user).sealed_to >= end
            ]
            if places and kind_of(period) == rule.kind:
                yield period, places[: rule.ranks]


def _sealing(one: Partition) -> dict[str, Any]:
    before = [{"partitions": partitions, "sealed_to": sealed_to} for partitions, sealed_to in one.before]
    return {"sealed_to": one.sealed_to, "until": 0, "phase": "newest", "cursor": "", "runs": 0, "before": before}
