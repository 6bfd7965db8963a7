"""Run Schemathesis as one caller against a running pipeline."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.pipeline import Pipeline

PROGRAM = Path(sys.executable).with_name("schemathesis")
CALLERS = ("anonymous", "user", "venue", "moderator")
STREAMS = "^/v1/(feed|ws)"
"""Feeds have no end, so no generated request can read one; tests of their own send hostile parameters to them."""

EXCLUDED_CHECKS = {
    "positive_data_acceptance": "rules that no schema states refuse data, such as a market that is not traded",
    "negative_data_rejection": "a query parameter that a route does not know is ignored",
    "ensure_resource_availability": "a command is accepted before its effect shows",
    "missing_required_header": "no header is required",
}
"""Checks that cannot hold for this API, and why."""

REQUEST_S = 15


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run found: whether all checks passed, and Schemathesis' report."""

    passed: bool
    report: str


class FuzzedPipeline(Pipeline):
    """A pipeline that lets one address send many requests."""

    def environment(self, **settings: str) -> dict[str, str]:
        return super().environment(**{"ASTRA_RATE_LIMIT_FACTOR": "1000", **settings})


def fuzz(pipeline: Pipeline, caller: str, *, phases: str, examples: int, seconds: int) -> Outcome:
    """Send generated requests as a caller for at most so many seconds."""
    command = [
        str(PROGRAM), "run", f"{pipeline.url}/openapi.json", "--exclude-path-regex", STREAMS, "--phases", phases,
        "-n", str(examples), "--max-time", str(seconds), "--request-timeout", str(REQUEST_S), "--no-color",
        "--checks", "all", "--exclude-checks", ",".join(EXCLUDED_CHECKS), "--continue-on-failure", "--warnings", "off",
    ]  # fmt: skip
    if caller != "anonymous":
        token = pipeline.token(caller, f"fuzz-{caller}")
        command += ["-H", f"Authorization: Bearer {token}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=pipeline.directory)
    return Outcome(done.returncode == 0, done.stdout + done.stderr)
