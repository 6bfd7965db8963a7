"""Draw the import graph of the code: `python -m tests.docs.import_graph` writes both pictures into the page.

The first picture shows the rooms of the product, the second the parts of the library. An arrow points from an importer
to the imported module. Arrows that follow from others (a to b, b to c, so a to c) are left out.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "architecture.md"
LIBRARY: Final = "faust_redis"
LIBRARY_PATH: Final = ROOT / "streams" / "faust-redis" / "src" / LIBRARY
ROOMS: Final = ("streams", "tables", "agents", "api", "contracts", "deploy")

Graph = dict[str, set[str]]


def imports(path: Path) -> Iterator[str]:
    """Yield the modules that a file imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms() -> Graph:
    """Return the imports between rooms, the library included."""
    known = {*ROOMS, LIBRARY}
    graph: Graph = {name: set() for name in known}
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            if LIBRARY_PATH not in path.parents:
                graph[room] |= {name.partition(".")[0] for name in imports(path)} & known - {room}
    return graph


def library() -> Graph:
    """Return the imports between parts of the library; a part is a module or a package up to two levels deep."""
    modules = {_module(path): path for path in LIBRARY_PATH.rglob("*.py")}
    graph: Graph = {}
    for module, path in modules.items():
        if path.name == "__init__.py":
            continue  # The module only re-exports.
        found = {_part(name) for name in imports(path) if name in modules and name != LIBRARY}
        graph.setdefault(_part(module), set()).update(found - {_part(module)})
    return graph


def library_modules() -> Graph:
    """Return the imports between library modules; a package counts as all modules that its `__init__` re-exports."""
    modules = {_module(path): path for path in LIBRARY_PATH.rglob("*.py")}
    graph: Graph = {}
    for module, path in modules.items():
        found = set(imports(path)) & modules.keys()
        packages = {name for name in found if any(other.startswith(f"{name}.") for other in found)}
        graph[module] = found - packages - {module}  # `from package import module` imports the module
    return graph


def _module(path: Path) -> str:
    parts = path.relative_to(LIBRARY_PATH.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _part(module: str) -> str:
    """Return the part of a module: `driver.commit` for `faust_redis.driver.commit.committer`."""
    path = LIBRARY_PATH.parent.joinpath(*module.split("."))
    names = module.split(".")[1:]
    package = names if path.is_dir() else names[:-1]
    return ".".join((package or names)[:2])


def cycle(graph: Mapping[str, set[str]]) -> list[str]:
    """Return a circle of imports as the names along it; empty when there is none."""
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        for other in sorted(graph.get(name, ())):
            if found := visit(other, [*path, name]):
                return found
        done.add(name)
        return []

    for name in sorted(graph):
        if found := visit(name, []):
            return found
    return []


def reduced(graph: Graph) -> Graph:
    """Return the graph without the arrows that follow from others."""

    def reaches(start: str, goal: str, seen: set[str]) -> bool:
        for other in graph.get(start, ()):
            if other == goal or (other not in seen and not seen.add(other) and reaches(other, goal, seen)):  # type: ignore[func-returns-value]
                return True
        return False

    return {
        name: {to for to in targets if not any(other != to and reaches(other, to, set()) for other in targets)}
        for name, targets in graph.items()
    }


def mermaid(graph: Graph) -> str:
    """Return the graph as a Mermaid flowchart."""
    lines = ["```mermaid", "flowchart TD"]
    for name in sorted(graph):
        targets = sorted(graph[name])
        lines += [f"    {name} --> {to}" for to in targets] or [f"    {name}"]
    return "\n".join([*lines, "```"])


def rendered(page: str) -> str:
    """Return the page with both pictures updated from the code.

    Raises:
        ValueError: the page lacks the markers of a picture.
    """
    for name, graph in (("rooms", rooms()), ("library", library())):
        marked = re.compile(rf"(<!-- import graph: {name} -->\n).*?(\n<!-- end -->)", re.DOTALL)
        if not marked.search(page):
            raise ValueError(f"expected the marker '<!-- import graph: {name} -->' and '<!-- end -->' in {PAGE.name}")
        picture = mermaid(reduced(graph))
        page = marked.sub(lambda match, picture=picture: match[1] + picture + match[2], page)  # type: ignore[misc]
    return page


def main() -> int:
    """Write the pictures into the page."""
    PAGE.write_text(rendered(PAGE.read_text("utf-8")), "utf-8")
    sys.stdout.write(f"{PAGE.relative_to(ROOT)} is up to date\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
