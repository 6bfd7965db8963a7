"""Find the users who lost one of the first places of a board, and notify them.

The partition of `LEADERS_KEY` compares the reports of all partitions (`leaders`) round by round: those of a round once
every partition has reported that round or a later one. So the result does not depend on the order in which reports
arrive.
"""

from __future__ import annotations

from itertools import takewhile

from msgspec.structs import replace

from agents.gamification.policy import OvertakingRules
from agents.notices import notice
from streams.events import AnyEvent, Event
from streams.events.gamification import LEADERS_KEY, BoardLeaders, LeadersReported, Overtaken
from streams.times import DAY_US
from tables.boards import Standing, parse_period
from tables.first_places import FirstPlaces, Leader, Leaders, LeadersReport, Rounds, report_key, round_of
from tables.gamification import (
    GAMIFICATION_FIRST,
    GAMIFICATION_OVERTAKINGS,
    GAMIFICATION_REPORTS,
    GAMIFICATION_ROUNDS,
    Overtakings,
)
from tables.unit_of_work import UnitOfWork


class Overtaking:
    """Compares the first places of all partitions, and notifies the users of a partition who lost one."""

    def __init__(self, tables: UnitOfWork, rules: OvertakingRules) -> None:
        self._places = rules.places
        self._rounds = tables.rows(GAMIFICATION_ROUNDS)
        self._reports = tables.rows(GAMIFICATION_REPORTS)
        self._first = tables.rows(GAMIFICATION_FIRST)
        self._users = tables.rows(GAMIFICATION_OVERTAKINGS)

    def reported(self, event: Event[LeadersReported]) -> list[AnyEvent]:
        """Keep a report, and compare the reports of the rounds that all partitions have reached now."""
        report = event.data
        rounds = self._rounds.get(LEADERS_KEY) or Rounds()
        reported = dict(sorted({**rounds.reported, str(report.partition): report.round}.items()))
        self._rounds.put(LEADERS_KEY, Rounds(reported=reported))
        if report.changed:
            boards = {_key(one): _leaders(one) for one in report.changed}
            row = LeadersReport(partition=report.partition, boards=boards)
            self._reports.put(report_key(report.round, report.partition), row)
        reached = min(reported.values()) if len(reported) == report.partitions else -1
        complete = list(takewhile(lambda entry: round_of(entry[0]) <= reached, self._reports.range("")))
        by_round: dict[int, list[LeadersReport]] = {}
        for key, row in complete:
            self._reports.delete(key)
            by_round.setdefault(round_of(key), []).append(row)
        return [lost for number, reports in by_round.items() for lost in self._compare(event, number, reports)]

    def overtaken(self, event: Event[Overtaken]) -> list[AnyEvent]:
        """Notify a user of a lost place, at most once a day and board."""
        lost, user_id, day = event.data, event.partitionkey, event.time // DAY_US
        told = self._users.get(user_id) or Overtakings()
        if told.days.get(lost.board, -1) >= day:
            return []
        self._users.put(user_id, Overtakings(days={**told.days, lost.board: day}))
        arguments = {"board": lost.board, "period": lost.period, "before": str(lost.before)}
        if lost.rank is not None:
            arguments["rank"] = str(lost.rank)
        return [notice(event, "overtaken", **arguments)]

    def _compare(self, event: Event[LeadersReported], number: int, reports: list[LeadersReport]) -> list[AnyEvent]:
        """Apply the reports of a round to the first places, and return the places that users lost by them."""
        lost: list[AnyEvent] = []
        for key in sorted({key for report in reports for key in report.boards}):
            before = self._first.get(key) or FirstPlaces()
            after = before
            for report in reports:
                if key in report.boards:
                    after = _with_part(after, str(report.partition), report.boards[key])
            after = replace(after, ranks=self._ranks(after))
            self._first.put(key, after)
            if after.period == before.period:
                lost += [
                    event.then(
                        Overtaken(board=key.partition("/")[0], period=after.period, before=old, rank=new),
                        key=user_id,
                        name=f"{number}|{key}|{user_id}",
                    )
                    for user_id, old, new in lost_places(before.ranks, after.ranks)
                ]
        return lost

    def _ranks(self, first: FirstPlaces) -> tuple[str, ...]:
        places = [place for part in first.parts.values() for place in part]
        ordered = sorted(places, key=lambda one: Standing(one.score, one.reached_at).order(one.user_id))
        return tuple(one.user_id for one in ordered[: self._places])


def lost_places(before: tuple[str, ...], after: tuple[str, ...]) -> list[tuple[str, int, int | None]]:
    """Return the users with a worse rank than before: the old rank, and the new one if it is among the first."""
    ranks = {user_id: rank for rank, user_id in enumerate(after, start=1)}
    return [
        (user_id, old, ranks.get(user_id))
        for old, user_id in enumerate(before, start=1)
        if user_id not in ranks or ranks[user_id] > old
    ]


def _with_part(first: FirstPlaces, partition: str, leaders: Leaders) -> FirstPlaces:
    """Return the first places with those of a partition. A later period begins anew; an earlier one is over."""
    if leaders.period < first.period:
        return first
    parts = first.parts if leaders.period == first.period else {}
    return FirstPlaces(period=leaders.period, parts={**parts, partition: leaders.places}, ranks=first.ranks)


def _key(told: BoardLeaders) -> str:
    return f"{told.board}/{parse_period(told.period).kind}"


def _leaders(told: BoardLeaders) -> Leaders:
    places = tuple(
        Leader(user_id=one.user_id, score=int(one.score), reached_at=one.reached_at_us) for one in told.places
    )
    return Leaders(period=told.period, places=places)
