"""Check and test the rules with Prometheus' own tool."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.observe.rules import RULES, write
from tests.source import ROOT

PROMTOOL: Final = "promtool"
TESTS: Final = ROOT / "tests" / "observe"
FAST: Final = TESTS / "alerts_test.yaml"
SLOW: Final = TESTS / "slow_burn_test.yaml"
LONGEST_S: Final = 300


def is_installed() -> bool:
    """Return whether promtool is on PATH; Debian has it in the package `prometheus`."""
    return shutil.which(PROMTOOL) is not None


def check_rules() -> None:
    """Fail unless Prometheus accepts the rules."""
    _run(["check", "rules", *map(str, sorted(RULES.glob("*.yaml")))], ROOT)


def run_unit_tests(test: Path, directory: Path) -> None:
    """Run a file of unit tests beside a copy of the rules."""
    write(directory)
    shutil.copy(test, directory)
    _run(["test", "rules", test.name], directory)


def _run(arguments: Sequence[str], directory: Path) -> None:
    done = subprocess.run(
        [PROMTOOL, *arguments], cwd=directory, capture_output=True, text=True, check=False, timeout=LONGEST_S
    )
    assert done.returncode == 0, done.stdout + done.stderr
