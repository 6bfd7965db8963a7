"""Leave out differences that no order decides: which of two notifications of one instant a full inbox lost.

Notifications of one instant come from several domains, in either order. A full inbox drops the one that came first, so
of the oldest ones that it keeps, another may be gone than the oracle says.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from tests.community.compared.engine import MISSING, Difference
from tests.community.oracle.crossing import Rows
from tests.community.oracle.inbox import KEPT

NOTIFICATIONS = "user-notifications"


def without_ties(found: Iterable[Difference], rows: Rows) -> list[Difference]:
    """Return the differences that are no such ties; `rows` are the oracle's."""
    differences = list(found)
    places: dict[tuple[str, int], list[Difference]] = defaultdict(list)
    for one in differences:
        if one.table == NOTIFICATIONS:
            places[_place(one.key)].append(one)
    if not places:
        return differences
    kept: dict[str, list[int]] = defaultdict(list)
    for key in rows.get(NOTIFICATIONS, {}):
        user, at = _place(key)
        kept[user].append(at)
    ties = {
        one.key
        for (user, at), group in places.items()
        if len(kept[user]) == KEPT and at == min(kept[user]) and _are_swapped(group)
        for one in group
    }
    return [one for one in differences if one.table != NOTIFICATIONS or one.key not in ties]


def _are_swapped(group: Iterable[Difference]) -> bool:
    """Return whether the product has other rows than the oracle, and as many with the same content."""
    ours = Counter(repr(one.product) for one in group if one.oracle == MISSING)
    theirs = Counter(repr(one.oracle) for one in group if one.product == MISSING)
    return ours == theirs and ours.total() * 2 == sum(1 for _ in group)


def _place(key: str) -> tuple[str, int]:
    """Return the user and the time of a notification."""
    user, at, _ = key.split("|", 2)
    return user, int(at)
