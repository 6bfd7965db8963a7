"""A screen reader announces a status when its text changes, so its element is on the page before."""

from __future__ import annotations

import re

from deploy.dashboard.lock import SOURCE

REGION = r"<\w+[^>]*(?:role=\"status\"|aria-live=)"
LATE = re.compile(rf"(?:&&|\?|:|if \([^\n]*\) return)\s*\(?\s*{REGION}")


def test_no_status_comes_to_the_page_together_with_its_text() -> None:
    texts = {file.name: file.read_text() for file in SOURCE.rglob("*.tsx")}
    assert sum(len(re.findall(REGION, text)) for text in texts.values()) > 10
    assert {name: found for name, text in texts.items() if (found := LATE.findall(text))} == {}
