"""Only the oldest notifications of a full inbox may be others than the oracle's."""

import pytest

from tests.community.compared.engine import MISSING, Difference
from tests.community.compared.ties import NOTIFICATIONS, without_ties
from tests.community.oracle.inbox import KEPT

READ, UNREAD = {"read": True}, {"read": False}


def key(at: int, kind: str, user: str = "ada") -> str:
    return f"{user}|{at}|{kind}|text|{{}}"


def inbox(count: int) -> dict[str, dict[str, dict[str, bool]]]:
    """Return the oracle's rows of an inbox: one of each instant from 1 on, the first a battle's."""
    return {NOTIFICATIONS: {key(at, "battle"): READ for at in range(1, count + 1)}}


def swapped(at: int, product: object = READ, oracle: object = READ) -> list[Difference]:
    """Return the differences when the product has a reward in the place of a battle."""
    return [
        Difference(NOTIFICATIONS, key(at, "battle"), MISSING, oracle),
        Difference(NOTIFICATIONS, key(at, "reward"), product, MISSING),
    ]


def test_another_of_the_oldest_in_a_full_inbox_is_no_difference() -> None:
    assert without_ties(swapped(1), inbox(KEPT)) == []


@pytest.mark.parametrize(
    ("found", "kept"),
    [
        (swapped(1), KEPT - 1),
        (swapped(2), KEPT),
        (swapped(1, product=UNREAD), KEPT),
        (swapped(1)[:1], KEPT),
        (swapped(1)[1:], KEPT),
        ([Difference(NOTIFICATIONS, key(1, "battle"), READ, UNREAD)], KEPT),
        ([Difference("user-inboxes", "ada", UNREAD, READ)], KEPT),
    ],
    ids=["not full", "not the oldest", "read", "lost", "too many", "changed", "another table"],
)
def test_all_else_is_a_difference(found: list[Difference], kept: int) -> None:
    assert without_ties(found, inbox(kept)) == found
