"""Find the code blocks of the documentation, and turn a shell block's commands into a form that a test can run.

A block in ``sh`` holds commands, one in ``python`` a program. Blocks of ``text`` hold pictures and output, ``diff`` a
changed line, ``mermaid`` diagrams, ``json`` and ``toml`` data. Every other language is refused, so that no block is
missed by the tests.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.source import ROOT

LANGUAGES: Final = frozenset({"sh", "python", "text", "diff", "mermaid", "json", "toml"})
PAGES: Final = tuple(
    sorted(
        path
        for pattern in ("*.md", "docs/*.md", "docs/runbooks/*.md", "streams/faust-redis/*.md", "deploy/data/*.md")
        for path in ROOT.glob(pattern)
    )
)
_FENCE: Final = re.compile(r"^( *)```(\w*)\s*$")
_ASSIGNMENT: Final = re.compile(r"^[A-Z][A-Z0-9_]*=")


@dataclass(frozen=True, slots=True)
class Snippet:
    """A code block of a page."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def name(self) -> str:
        """Return the page and line of the block: ``docs/driver.md:12``."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True, slots=True)
class ShellCommand:
    """One command of a shell block.

    Attributes:
        words: The program and its arguments.
        variables: Environment variables that are set for it.
    """

    words: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Return the command as a user would type it."""
        return shlex.join(self.words)


def snippets(page: Path) -> Iterator[Snippet]:
    """Yield the code blocks of a page in their order.

    Raises:
        ValueError: a block is not closed, or its language is not one of `LANGUAGES`.
    """
    language, begun, lines = "", 0, list[str]()
    for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
        fence = _FENCE.match(line)
        if not fence:
            lines.append(line)
        elif not begun:
            language, begun, lines = fence[2], number, []
            if language not in LANGUAGES:
                raise ValueError(f"{page.name}:{number}: expected one of {sorted(LANGUAGES)}, got {language!r}")
        else:
            yield Snippet(page, begun, language, "\n".join(lines))
            begun = 0
    if begun:
        raise ValueError(f"{page.name}:{begun}: this code block is not closed")


def shell_commands(text: str) -> list[ShellCommand]:
    """Return the commands of a shell block; an exported variable applies to all later commands."""
    exported: dict[str, str] = {}
    commands = []
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if not words:
            continue
        if words[0] == "export":
            exported |= dict(word.split("=", 1) for word in words[1:])
            continue
        own = dict[str, str]()
        while words and _ASSIGNMENT.match(words[0]):
            name, _, value = words.pop(0).partition("=")
            own[name] = value
        commands.append(ShellCommand(tuple(words), exported | own))
    return commands
