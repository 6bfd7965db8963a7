"""Compare our clients of the contracts with starknet.js on a real node.

    python -m tests.chain.second_client

starknet.js is installed once into the cache folder, by the digests of `package-lock.json`.
"""

from __future__ import annotations

import argparse
import sys

from tests.chain.gas import _chain
from tests.chain.second_client.compare import MissingToolError, compared


def main() -> int:
    """Run the comparison and return its exit status."""
    parser().parse_args()
    try:
        with _chain() as chain:
            seen = compared(chain)
    except MissingToolError as exc:
        sys.stdout.write(f"{exc}\n")
        return 1
    counts = ", ".join(f"{count} of each {what}" for what, count in sorted(seen.counts.items()))
    sys.stdout.write("\n".join([*seen.differences, f"compared: {counts}", f"{len(seen.differences)} differences", ""]))
    return int(bool(seen.differences))


def parser() -> argparse.ArgumentParser:
    """Return the parser of the options: there are none."""
    return argparse.ArgumentParser(prog="tests.chain.second_client", description=(__doc__ or "").partition("\n")[0])


if __name__ == "__main__":
    sys.exit(main())
