"""The collector traverses survivors of a full collection once, and frees garbage among them in the end."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Iterator

import pytest

from deploy.cli.main import main
from deploy.run.gc_tuning import ALLOCATIONS, SurvivorsExcluded


class Node:
    """An object that a cycle keeps alive until the collector finds it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def few_excluded() -> Iterator[None]:
    tuning = SurvivorsExcluded(excluded_min=1_000)
    tuning.install()
    yield
    tuning.remove()


def is_traversed(node: Node) -> bool:
    return any(each is node for each in gc.get_objects())


@pytest.mark.usefixtures("few_excluded")
def test_survivors_of_a_full_collection_are_not_traversed_again() -> None:
    node = Node()
    assert is_traversed(node)
    gc.collect()
    assert not is_traversed(node)


@pytest.mark.usefixtures("few_excluded")
@pytest.mark.heavy
def test_garbage_among_the_excluded_objects_is_freed_when_their_number_has_doubled() -> None:
    node = Node()
    known = weakref.ref(node)
    gc.collect()
    del node
    gc.collect()
    assert known() is not None, "the collector has to skip excluded objects"
    many = [Node() for _ in range(gc.get_freeze_count() + 1_000)]
    gc.collect()  # it finds that there are too many
    gc.collect()
    assert known() is None
    assert len(many) > 1_000


def test_a_command_starts_with_fewer_collections(monkeypatch: pytest.MonkeyPatch) -> None:
    before = gc.get_threshold()
    monkeypatch.setattr(sys, "argv", ["astratrade", "--version"])
    try:
        gc.set_threshold(700)
        with pytest.raises(SystemExit):
            main()
        assert gc.get_threshold()[0] == ALLOCATIONS
    finally:
        gc.set_threshold(*before)
