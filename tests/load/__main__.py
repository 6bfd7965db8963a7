"""Command line: `python -m tests.load`."""

# ruff: noqa: T201 - its purpose is to print

from __future__ import annotations

import sys

from tests.load.command import options_of, parser
from tests.load.report import write_report
from tests.load.run import run
from tests.load.variants import VARIANTS


def main(argv: list[str] | None = None) -> int:
    """Run the variants, and write the report."""
    args = parser().parse_args(argv)
    options = options_of(args)
    found = [run(options, VARIANTS[name], lambda line: print(line, flush=True)) for name in args.variant]
    page = write_report(options.out, found)
    print(f"report: {page}")
    failures = [f"{one.title}: {text}" for one in found for text in one.failures]
    print("\n".join(failures[:20]) if failures else "nothing lost, and all rows equal the oracle's")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
