"""Build the dashboard of the API.

    python3 deploy/bootstrap.py page            build api/page/built from api/page/source
    python3 deploy/bootstrap.py page --check    say whether what is built is that of the sources

The built files are in the repository, with a lock of digests. So users, the product and CI need no Node, and a check
without Node still notices a source that was changed after the last build.
"""

from __future__ import annotations

import argparse
import sys

from deploy.dashboard.build import BuildError, build, is_node_here
from deploy.dashboard.lock import BUILT, differences, write


def main() -> int:
    """Run the command and return its exit status."""
    options = parser().parse_args()
    try:
        if options.check:
            return check()
        files = build()
    except BuildError as exc:
        say(str(exc))
        return 1
    write(files)
    size = sum(len(content) for content in files.values())
    say(f"built {len(files)} files, {size / 1000:.0f} kB, in {BUILT.name}")
    return 0


def check() -> int:
    """Compare what is built with the sources. Build again where Node is found."""
    found = differences()
    if not found and is_node_here():
        files = build()
        found = [f"{name} is not what a build gives" for name in sorted(files) if _on_disk(name) != files[name]]
    for difference in found:
        say(f"{difference}; run python3 deploy/bootstrap.py page")
    if not found:
        say("what is built is that of the sources" + ("" if is_node_here() else " by its digests; Node is not here"))
    return 1 if found else 0


def _on_disk(name: str) -> bytes | None:
    path = BUILT / name
    return path.read_bytes() if path.is_file() else None


def parser() -> argparse.ArgumentParser:
    """Return the parser of the options."""
    made = argparse.ArgumentParser(prog="page", description=(__doc__ or "").partition("\n")[0])
    made.add_argument("--check", action="store_true", help="only compare")
    return made


def say(line: str) -> None:
    """Write a line of progress."""
    sys.stdout.write(f"page: {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
