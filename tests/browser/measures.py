"""Measure with Lighthouse what everyone sees, on a desk and on a phone: performance, accessibility, best practices.

    python -m tests.browser.measures [--json FOLDER]

Needs Node 20 and Chromium. Lighthouse comes from npm, by a lock. Its phone has a slow network and a slow processor, so
other work on this machine counts four times. The command fails below 95 of 100.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from deploy.dashboard.build import BuildError, packages
from tests.browser.chromium import VARIABLE, WITHOUT_SANDBOX, find_chromium
from tests.browser.product import product
from tests.browser.views import FOR_EVERYONE, name_of

LOCKED: Final = Path(__file__).with_name("lighthouse")
CATEGORIES: Final = ("performance", "accessibility", "best-practices")
TIMES: Final = ("first-contentful-paint", "largest-contentful-paint", "total-blocking-time", "cumulative-layout-shift")
LEAST: Final = 95
LIMIT_S: Final = 180
TRIES: Final = 3
LINE: Final = "{:<12} {:<6} {:>12} {:>14} {:>15}   {}\n"
FORMS: Final = {"desk": ["--preset=desktop"], "phone": []}

Result = dict[str, Any]


def main(argv: list[str] | None = None) -> int:
    """Measure, print a line for each view, and return the exit status."""
    options = parser().parse_args(argv)
    try:
        found = measured(options.json)
    except (BuildError, FileNotFoundError) as exc:
        sys.stderr.write(f"measures: {exc}\n")
        return 1
    return 0 if all(score >= LEAST for scores in found for score in scores) else 1


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(prog="python -m tests.browser.measures", description="Measure every view.")
    made.add_argument("--json", type=Path, help="a folder for the whole reports")
    return made


def measured(folder: Path | None) -> list[list[int]]:
    """Return the scores of every view, in the order of the categories.

    Raises:
        BuildError: Lighthouse cannot be installed.
        FileNotFoundError: there is no Chromium.
    """
    program = find_chromium()
    if program is None:
        raise FileNotFoundError(f"no Chromium: name one with {VARIABLE}")
    lighthouse = packages(LOCKED) / "lighthouse" / "cli" / "index.js"
    found = []
    sys.stdout.write(LINE.format("view", "form", *CATEGORIES, ", ".join(TIMES)))
    with tempfile.TemporaryDirectory() as directory, product(Path(directory)) as pipeline:
        for path in FOR_EVERYONE:
            for form, settings in FORMS.items():
                command = ["node", str(lighthouse), f"{pipeline.url}{path}", *settings]
                result = run(command, program)
                found.append([round(100 * result["categories"][name]["score"]) for name in CATEGORIES])
                times = ", ".join(result["audits"][name]["displayValue"] for name in TIMES)
                sys.stdout.write(LINE.format(path, form, *found[-1], times))
                sys.stdout.flush()
                if folder is not None:
                    folder.mkdir(parents=True, exist_ok=True)
                    (folder / f"{name_of(path)}-{form}.json").write_text(json.dumps(result))
    return found


def run(command: list[str], program: str) -> Result:
    """Run Lighthouse on a page and return its report.

    Raises:
        RuntimeError: it did not measure the page in three tries.
    """
    flags = f"--chrome-flags=--headless=new {WITHOUT_SANDBOX}"
    asked = [flags, "--output=json", "--quiet", f"--only-categories={','.join(CATEGORIES)}"]
    environment = {**os.environ, "CHROME_PATH": program}
    for _ in range(TRIES):  # on a busy machine Chromium may start too slowly for it
        done = subprocess.run([*command, *asked], env=environment, capture_output=True, timeout=LIMIT_S, check=False)
        if done.returncode == 0:
            result: Result = json.loads(done.stdout)
            return result
    raise RuntimeError(done.stderr.decode()[-2_000:])


if __name__ == "__main__":
    sys.exit(main())
