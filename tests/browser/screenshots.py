"""Make pictures of every view: light, dark and on a phone, for everyone, a player and a moderator.

    python -m tests.browser.screenshots FOLDER

Look at each of them after a change of the dashboard. They are not kept in the repository.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import chromium
from tests.browser.looking import PHONE, SETTLED_MS, WIDE, Scheme, page_of, settle, sign_in, visit
from tests.browser.product import account, product
from tests.browser.views import addresses, name_of
from tests.e2e.pipeline import Pipeline

LOOKS: Final[dict[str, tuple[tuple[int, int], Scheme]]] = {
    "light": (WIDE, "light"),
    "dark": (WIDE, "dark"),
    "phone": (PHONE, "light"),
    "phone-dark": (PHONE, "dark"),
}
PEOPLE: Final = ("", "user", "moderator")


def main(argv: list[str] | None = None) -> int:
    """Make the pictures and return the exit status."""
    folder: Path = parser().parse_args(argv).folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, product(Path(directory)) as pipeline, chromium() as browser:
        for role in PEOPLE:
            take(pipeline, browser, role, folder)
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(
        prog="python -m tests.browser.screenshots", description="Make pictures of every view."
    )
    made.add_argument("folder", type=Path, help="where the pictures go")
    return made


def take(pipeline: Pipeline, browser: Browser, role: str, folder: Path) -> None:
    """Make the pictures that one person sees, in every look."""
    name = account(pipeline, role) if role else ""
    for look, (size, scheme) in LOOKS.items():
        with page_of(browser, pipeline.url, size=size, scheme=scheme) as (page, _):
            if name:
                sign_in(page, name)
            if role == "user" and look == "light":
                trade(page)
            for path in addresses(role):
                visit(page, path)
                page.wait_for_timeout(SHOWN_MS)  # charts draw themselves
                file = folder / f"{name_of(path)}-{role or 'anyone'}-{look}.png"
                page.screenshot(path=file, full_page=True)
                sys.stdout.write(f"{file}\n")
                sys.stdout.flush()


SHOWN_MS: Final = 500


def trade(page: Page) -> None:
    """Place a trade, so that a player has something to see."""
    page.get_by_role("button", name="Place the order").click()
    expect(page.get_by_role("listitem").filter(has_text="on the board")).to_be_visible(timeout=SETTLED_MS)
    settle(page)


if __name__ == "__main__":
    sys.exit(main())
