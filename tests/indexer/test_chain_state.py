"""The state refuses blocks that do not follow it."""

from __future__ import annotations

import pytest

from contracts.indexer.addresses import padded
from contracts.indexer.chain_state import BEFORE_GENESIS, Block, ChainState, Counted, extended, finalised, rolled_back
from contracts.indexer.errors import FinalBlockReplacedError, IncompleteError

EMPTY = ChainState.starting_after(BEFORE_GENESIS)


def block(number: int, parent: int, *, counted: tuple[int, int] | None = None) -> Block:
    numbers = {"splitter": Counted(*counted)} if counted else {}
    return Block(number, padded(number + 1), padded(parent + 1), 0, (), numbers)


def test_blocks_of_two_forks_do_not_follow_one_another() -> None:
    with pytest.raises(IncompleteError, match="does not follow"):
        extended(EMPTY, [block(0, -1), block(1, 7)])
    with pytest.raises(IncompleteError, match="does not follow"):
        extended(EMPTY, [block(0, -1), block(2, 0)])


def test_a_gap_in_the_numbers_of_a_contract_is_refused() -> None:
    state = extended(EMPTY, [block(0, -1, counted=(1, 2))]).state
    with pytest.raises(IncompleteError, match="event 4 of the contract splitter after event 2"):
        extended(state, [block(1, 0, counted=(4, 4))])


def test_numbers_go_back_with_the_blocks() -> None:
    state = extended(EMPTY, [block(0, -1, counted=(1, 2)), block(1, 0, counted=(3, 5))]).state
    assert rolled_back(state, 0).state.sequences == {"splitter": 2}
    assert rolled_back(state, -1).state.sequences == {"splitter": 0}


def test_final_blocks_stay() -> None:
    state = finalised(extended(EMPTY, [block(0, -1), block(1, 0)]).state, 0).state
    assert [each.number for each in state.blocks] == [1]
    assert rolled_back(state, 0).state.cursor.number == 0
    with pytest.raises(FinalBlockReplacedError):
        rolled_back(state, -1)
