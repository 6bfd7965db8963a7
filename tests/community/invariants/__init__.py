"""What always holds of a community, whatever its people did and in whatever order: no oracle, only the rules.

Caps, uniqueness, conservation, effects once only, and, at the end, no reservation that is still open. State machines of
the rules (`tests/unit/agents`) check some of them after every step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from streams.events import AnyEvent
from tests.community.compared.engine import Stored
from tests.community.invariants import game, money, society
from tests.community.invariants.facts import Broken, Facts, no_event_exists_twice

INVARIANTS: Final[tuple[Callable[[Facts], Broken], ...]] = (
    no_event_exists_twice,
    money.money_is_conserved,
    money.what_is_reserved_is_what_is_open,
    money.fees_are_those_that_accrued,
    money.a_withdrawal_is_paid_once,
    money.tokens_are_minted_and_sold_once,
    society.members_are_in_one_constellation,
    society.a_name_is_of_one_constellation,
    society.battles_end_and_their_prizes_are_whole,
    game.experience_is_gained_once,
    game.rewards_are_granted_and_paid_once,
    game.shards_are_emitted_once,
    game.boards_are_sealed_once_as_they_stand,
    game.rewards_go_to_the_first_places,
    game.practice_accounts_are_covered,
    game.practice_trades_end_once_and_are_few_a_day,
)


def broken(stored: Stored, events: Iterable[AnyEvent]) -> list[str]:
    """Return a text for each breach, after the invariant's name."""
    facts = Facts(stored, events)
    return [f"{check.__name__}: {text}" for check in INVARIANTS for text in check(facts)]
