"""The browser suite: every test that looks at the dashboard in a real Chromium, also the heavy ones.

    python -m tests.browser [arguments for pytest]

Chromium is the one that CHROMIUM names, one on PATH, or the one that `playwright install chromium` fetched.
`python -m tests.browser.screenshots FOLDER` makes pictures of every view, `python -m tests.browser.measures` runs
Lighthouse, and `python -m tests.browser.soak` watches an hour of updates.
"""

from __future__ import annotations

import subprocess
import sys

from tests.browser.chromium import VARIABLE, find_chromium

WHERE = ("tests/browser",)
ALL = ("-m", "heavy or not heavy")


def main() -> int:
    """Run the suite and return its exit status."""
    program = find_chromium()
    if program is None:
        sys.stderr.write(f"browser: no Chromium: name one with {VARIABLE}, or run `playwright install chromium`\n")
        return 1
    sys.stdout.write(f"browser: {program}\n")
    return subprocess.call([sys.executable, "-m", "pytest", "-v", "-n", "0", *ALL, *(sys.argv[1:] or WHERE)])


if __name__ == "__main__":
    sys.exit(main())
