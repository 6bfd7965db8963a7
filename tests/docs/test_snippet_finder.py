"""The finder finds code blocks, and reads the commands in them as a shell would."""

from pathlib import Path

import pytest

from tests.docs.snippets import PAGES, ShellCommand, shell_commands, snippets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_of_every_page_says_its_language(page: Path) -> None:
    list(snippets(page))


def test_blocks_come_with_their_line_and_language(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("text\n```sh\nls\n```\n\n```python\nx = 1\ny = 2\n```\n")
    assert [(one.line, one.language, one.text) for one in snippets(page)] == [
        (2, "sh", "ls"),
        (6, "python", "x = 1\ny = 2"),
    ]


@pytest.mark.parametrize(("text", "reason"), [("```\nls\n```\n", "expected one of"), ("```sh\nls\n", "not closed")])
def test_a_block_without_language_or_end_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)
    with pytest.raises(ValueError, match=reason):
        list(snippets(page))


def test_comments_exports_and_continued_lines_are_read_as_a_shell_would() -> None:
    text = "export A=1 B='two words'\nC=3 first --x 1   # a comment\nsecond \\\n  --y 2\n"
    assert shell_commands(text) == [
        ShellCommand(("first", "--x", "1"), {"A": "1", "B": "two words", "C": "3"}),
        ShellCommand(("second", "--y", "2"), {"A": "1", "B": "two words"}),
    ]
