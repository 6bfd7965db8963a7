"""Run Schemathesis as one caller against a running pipeline."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.e2e.pipeline import Pipeline
from tests.fuzz.bounded import feeds_bounded

PROGRAM = Path(sys.executable).with_name("schemathesis")
CALLERS = ("anonymous", "user", "venue", "moderator")
FEEDS = "^/v1/feed/"
"""Feeds have no end. A run over them reads their first events, by `tests.fuzz.bounded`."""
SOCKET = "^/v1/ws"
"""No generated request opens a WebSocket; `tests/integration/api/test_socket.py` sends hostile messages."""

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


@dataclass(frozen=True, slots=True)
class Effort:
    """What a run sends: the phases of Schemathesis, the requests of each operation, and for how long at most."""

    phases: str
    examples: int
    seconds: int


def fuzz(pipeline: Pipeline, caller: str, effort: Effort) -> Outcome:
    """Send generated requests as a caller to everything but feeds and the socket."""
    return _fuzz(pipeline, pipeline.url, caller, effort, ["--exclude-path-regex", f"{FEEDS}|{SOCKET}"])


def fuzz_feeds(pipeline: Pipeline, caller: str, effort: Effort) -> Outcome:
    """Send generated requests as a caller to feeds. Each feed ends after its first events."""
    with feeds_bounded(urlsplit(pipeline.url).port or 0) as port:
        return _fuzz(pipeline, f"http://127.0.0.1:{port}", caller, effort, ["--include-path-regex", FEEDS])


def _fuzz(pipeline: Pipeline, url: str, caller: str, effort: Effort, selection: Sequence[str]) -> Outcome:
    command = [
        str(PROGRAM), "run", f"{url}/openapi.json", *selection, "--phases", effort.phases,
        "-n", str(effort.examples), "--max-time", str(effort.seconds), "--request-timeout", str(REQUEST_S),
        "--no-color", "--checks", "all", "--exclude-checks", ",".join(EXCLUDED_CHECKS), "--continue-on-failure",
        "--warnings", "off",
    ]  # fmt: skip
    if caller != "anonymous":
        token = pipeline.token(caller, f"fuzz-{caller}")
        command += ["-H", f"Authorization: Bearer {token}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=pipeline.directory)
    return Outcome(done.returncode == 0, done.stdout + done.stderr)
