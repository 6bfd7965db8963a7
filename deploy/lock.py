"""Write the locks with hashes from the pins in `deploy/constraints.txt`, which the bootstrap script then installs.

    python3 deploy/lock.py

`build.txt` has what builds packages, `base.txt` what the product needs, `test.txt` also what the tests need. A lock
has the digests of every file of a version, so that one lock serves all Pythons and platforms. The script needs the
network, and installs uv into a temporary directory. Run it after each change of a pin or of a dependency.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "deploy" / "locks"
CONSTRAINTS = ROOT / "deploy" / "constraints.txt"
LIBRARY = ROOT / "streams" / "faust-redis"
CLIENT = ROOT / "api" / "astratrade-client"
OURS = ("faust-redis", "astratrade-client")
UV = "uv==0.13.9"
PYTHON_MIN = "3.11"
HEADER = "# Made by `python3 deploy/lock.py` from deploy/constraints.txt; do not edit.\n"


def requirements() -> Mapping[str, list[str]]:
    """Return the direct requirements of each lock, by its name."""
    project, library, client = (
        tomllib.loads((directory / "pyproject.toml").read_text("utf-8"))["project"]
        for directory in (ROOT, LIBRARY, CLIENT)
    )
    others = [one for one in project["dependencies"] if not one.startswith(OURS)]
    base = ["setuptools", *others, *library["dependencies"], *library["optional-dependencies"]["rocksdb"]]
    base += library["optional-dependencies"]["archive"]
    base += client["dependencies"]
    return {
        "build": ["setuptools"],
        "base": base,
        "test": [*base, *project["optional-dependencies"]["test"]],
    }


def main() -> None:
    """Write all locks."""
    LOCKS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        pip = [sys.executable, "-m", "pip", "install", "-q", "--target", temporary, UV]
        subprocess.run(pip, check=True)
        for name, wanted in requirements().items():
            source = Path(temporary) / f"{name}.in"
            source.write_text("\n".join(wanted), "utf-8")
            target = LOCKS / f"{name}.txt"
            compile_command = [
                f"{temporary}/bin/uv", "pip", "compile", "-q", str(source), "-c", str(CONSTRAINTS), "-o", str(target),
                "--universal", "--python-version", PYTHON_MIN, "--generate-hashes", "--no-header", "--no-annotate",
                "--no-emit-index-url",
            ]  # fmt: skip
            subprocess.run(compile_command, check=True)
            target.write_text(HEADER + target.read_text("utf-8"), "utf-8")


if __name__ == "__main__":
    main()
