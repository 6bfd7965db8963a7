"""Say that the other tests of this folder are left out, where they are."""

import pytest

from tests.browser.chromium import VARIABLE, find_chromium


def test_a_chromium_is_found() -> None:
    if find_chromium() is None:
        pytest.skip(f"no Chromium was found ({VARIABLE}, PATH, Playwright's cache): no test looks at the dashboard")
