"""Simulate a year of fees and of loans, and show who gets what.

    python -m tests.economy [--fills FILE] [--seeds N] [--write]

Prints the tables. `--write` puts them into `docs/economics.md` and draws `docs/images/economy-*.svg`. Takes minutes.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from tests.economy.report import SEEDS, fee_years, plots, tables
from tests.economy.scenarios import SAMPLE

DOCS: Final = Path(__file__).parents[2] / "docs"
PAGE: Final = "economics.md"


def main(arguments: list[str]) -> int:
    """Run the command and return its exit status."""
    options = parser().parse_args(arguments)
    years = fee_years(options.fills)
    found = tables(years, options.seeds)
    for name, lines in found.items():
        sys.stdout.write("\n".join([f"{name}:", *lines, ""]) + "\n")
    if options.write:
        write(found)
        for name, text in plots(years[0]).items():
            (DOCS / "images" / f"{name}.svg").write_text(text, "utf-8")
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    made = argparse.ArgumentParser(prog="tests.economy", description=(__doc__ or "").partition("\n")[0])
    made.add_argument("--fills", type=Path, default=SAMPLE, help="a record of fills, as deploy/data/README.md has it")
    made.add_argument("--seeds", type=int, default=SEEDS, help="years of loans in each world")
    made.add_argument("--write", action="store_true", help="write the page and the pictures")
    return made


def write(found: dict[str, list[str]], folder: Path = DOCS) -> None:
    """Replace the tables of the page."""
    text = (folder / PAGE).read_text("utf-8")
    for name, lines in found.items():
        head, mark, rest = text.partition(f"<!-- simulated: {name} -->\n")
        _, end, tail = rest.partition("<!-- end -->")
        assert end, f"{PAGE} has no place for {name}"
        text = head + mark + "\n".join(lines) + "\n" + end + tail
    (folder / PAGE).write_text(text, "utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
