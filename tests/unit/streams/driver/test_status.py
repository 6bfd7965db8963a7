"""A member's published status: once for each change, with progress during recovery."""

from __future__ import annotations

import json
from typing import Any, cast

import faust
from faust_redis.driver.broker import ConsumerGroups
from faust_redis.driver.groups.status import Status
from faust_redis.labels import label_member, labels_of


class Groups:
    """Groups that keep each published status."""

    def __init__(self) -> None:
        self.published: list[dict[str, Any]] = []

    async def set_status(self, group: str, member: str, status: str) -> None:
        assert (group, member) == ("g", "m")
        self.published.append(json.loads(status))


async def test_progress_is_published_while_tables_are_recovered_and_no_longer() -> None:
    groups = Groups()
    status = Status(cast("ConsumerGroups", groups), "g", "m", {})
    for restored in (10, 10, 25):
        await status.publish(3, 2, recovered=False, restored=restored, total=None if restored < 25 else 40)
    for restored in (25, 30):
        await status.publish(3, 2, recovered=True, restored=restored)
    await status.publish(3, 2, recovered=True, damaged=["t:1: torn"])
    member = {"generation": 3, "assigned": 2}
    assert groups.published == [
        {**member, "recovered": False, "restored": 10},
        {**member, "recovered": False, "restored": 25, "total": 40},
        {**member, "recovered": True},
        {**member, "recovered": True, "damaged": ["t:1: torn"]},
    ]


async def test_labels_of_the_app_are_part_of_the_status() -> None:
    groups, app = Groups(), faust.App("labelled")
    status = Status(cast("ConsumerGroups", groups), "g", "m", labels_of(app))
    label_member(app, {"build": "4711"})
    await status.publish(1, 2, recovered=True)
    assert groups.published[-1]["labels"] == {"build": "4711"}
