"""Each alert has a runbook, and each runbook its parts. `tests/docs/test_snippets.py` runs their commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.snippets import shell_commands, snippets
from tests.observe.rules import alerts
from tests.source import ROOT

RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
PARTS = ["## First", "## Mend", "## Verify", "## Seen"]
FIRST_COMMANDS = 3
WITHOUT_ALERT = {"key-rotation", "secret-leaked", "region-lost"}
"""What an operator learns otherwise than by an alert."""


def test_every_alert_has_a_runbook_and_every_runbook_an_alert_or_a_reason() -> None:
    assert {alert.runbook for alert in alerts()} | WITHOUT_ALERT == {path.stem for path in RUNBOOKS}


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_a_runbook_says_what_it_means_what_users_see_and_three_commands(path: Path) -> None:
    text = path.read_text("utf-8")
    assert re.findall(r"^## \w+$", text, re.MULTILINE) == PARTS
    assert "**Users see:**" in text
    assert "| Cause | You see | Do |" in text
    [first] = list(snippets(path))
    assert len(shell_commands(first.text)) == FIRST_COMMANDS


def test_a_runbook_names_each_of_its_alerts() -> None:
    texts = {path.stem: path.read_text("utf-8") for path in RUNBOOKS}
    for alert in alerts():
        group = re.sub(r"(Fast|Steady|Slow)Burn$", "…Burn", alert.name)
        assert f"`{group}`" in texts[alert.runbook], alert.name
