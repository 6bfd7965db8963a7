"""The import graph in docs/architecture.md equals the code's, and rooms have no import cycle."""

from pathlib import Path

import pytest

from tests.docs import import_graph
from tests.docs.import_graph import PAGE, cycle, mermaid, reduced, rendered, rooms


def test_the_page_shows_the_import_graph_of_the_code() -> None:
    page = PAGE.read_text("utf-8")
    assert rendered(page) == page, "run `python -m tests.docs.import_graph`"


def test_rooms_import_one_way() -> None:
    assert cycle(rooms()) == []


def test_parts_of_the_library_import_one_way() -> None:
    assert cycle(import_graph.library()) == []


def test_a_circle_is_found_and_named() -> None:
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert cycle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_arrows_that_follow_from_others_are_left_out() -> None:
    graph = reduced({"a": {"b", "c"}, "b": {"c"}, "c": set()})
    assert graph == {"a": {"b"}, "b": {"c"}, "c": set()}
    assert mermaid(graph).splitlines() == ["```mermaid", "flowchart TD", "    a --> b", "    b --> c", "    c", "```"]


def test_an_import_counts_at_the_top_and_inside_a_function(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text("from a import b\nif TYPE_CHECKING:\n    import c.d\ndef f():\n    from e.f import g\n")
    assert {"a", "a.b", "c.d", "e.f", "e.f.g"} == set(import_graph.imports(file))


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="import graph: rooms"):
        rendered("nothing")
