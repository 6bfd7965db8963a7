"""The events of a chain as trees, which stay narrow however long the chain is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from deploy.cli.commands.why import LOST, UNFOUND

Called = Callable[[str, list[list[Any]]], list[Any]]
MODULE = "views/pipeline/chain_tree.ts"


def events(causes: dict[str, str]) -> list[dict[str, Any]]:
    return [{"event": {"id": event, "causationid": cause}} for event, cause in causes.items()]


def shape(branches: list[dict[str, Any]]) -> dict[str, Any]:
    return {branch["placed"]["event"]["id"]: shape(branch["effects"]) for branch in branches}


def levels(branches: list[dict[str, Any]], level: int = 1) -> Iterator[tuple[str, int]]:
    for branch in branches:
        yield branch["placed"]["event"]["id"], level
        yield from levels(branch["effects"], level + 1)


def test_each_event_is_below_its_cause_and_one_without_it_is_a_root(called: Called) -> None:
    causes = {"late": "first", "self": "self", "first": "", "lost": "gone", "deep": "late", "other": "first"}
    [found] = called(MODULE, [["treesOf", events(causes)]])
    assert shape(found["roots"]) == {"self": {}, "first": {"late": {"deep": {}}, "other": {}}, "lost": {}}
    assert [*shape(found["roots"])["first"]] == ["late", "other"]
    assert not found["isDeeper"]


def test_a_cause_is_only_said_to_be_gone_when_the_search_did_not_stop(called: Called) -> None:
    said = called(MODULE, [["lostText", []], ["lostText", ["the search stopped after 10 s"]]])
    assert said == [LOST, UNFOUND]


def test_a_long_chain_has_ten_levels_and_every_event_once_in_its_order(called: Called) -> None:
    names = [str(number) for number in range(500)]
    causes = dict(zip(names, ["", *names], strict=False))
    [found] = called(MODULE, [["treesOf", events(causes)]])
    assert [*levels(found["roots"])] == [(name, min(number, 10)) for number, name in enumerate(names, 1)]
    assert found["isDeeper"]
