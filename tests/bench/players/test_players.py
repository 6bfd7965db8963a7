"""A slice of `python -m tests.bench players`: the boards of a few players, in each way."""

from __future__ import annotations

from tests.bench.fixed_parameters import measured


def test_a_few_players_are_on_all_boards_in_each_way() -> None:
    results = measured("players", players=120)
    memory = next(result.figures for result in results if "all boards" in result.title)
    assert memory["entries a player"].median == 35
    assert memory["bytes a player"].median > memory["of them rankings"].median > 35 * 8
    entries = [result.figures for result in results if result.title.endswith("bytes an entry")]
    assert [min(one, key=lambda way: one[way].median) for one in entries] == ["segments"] * 3
    assert any("top 100 p99 ms" in result.figures for result in results)
    assert "commit of 35 standings" in results[-1].figures
