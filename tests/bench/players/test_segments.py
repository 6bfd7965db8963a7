"""Segments hold what a sorted list holds, however elements move."""

from __future__ import annotations

import random

from faust_redis.log import Log

from tests.bench.players.segments import Segments, element


def test_elements_sort_as_their_scores_do() -> None:
    scores = [-1e25, -2.5, -2.0, -0.0, 0.0, 1e-9, 3.0, 7e18]
    assert sorted(element(score, 1) for score in reversed(scores)) == [element(score, 1) for score in scores]
    assert element(2.0, 1) < element(2.0, 2)


async def test_segments_equal_a_sorted_list_after_any_moves(log: Log) -> None:
    chance, segments = random.Random(1), Segments(log, "test")
    held = {number: element(chance.choice((0.0, chance.gauss(0, 9))), number) for number in range(2_000)}
    await segments.load(held.values())
    for _ in range(20):
        pairs = []
        for _ in range(100):
            number = chance.randrange(3_000)
            moved = element(chance.choice((1.0, chance.gauss(0, 9))), number)
            pairs.append((held.get(number, b""), moved))
            held[number] = moved
        await segments.move(pairs)
    ordered = sorted(held.values())
    assert await segments.top(700) == ordered[:700]
    assert len(await log.redis.zrange(segments.keys[0], 0, -1)) > 6, "segments were split"
    for place in (0, 3, len(ordered) // 2, len(ordered) - 1):
        rank, around = await segments.around(ordered[place], 10)
        assert rank == place == await segments.rank(ordered[place])
        assert around == ordered[max(0, place - 10) : place + 11]
