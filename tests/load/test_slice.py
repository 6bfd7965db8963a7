"""A slice of a load on real processes: a few seconds at a tiny rate. It shows that all parts work, not how fast."""

import json
from pathlib import Path

import msgspec
import pytest

from tests.load.options import Options, Slo
from tests.load.report import write_report
from tests.load.result import ALL, Raw, result_of
from tests.load.run import run
from tests.load.variants import VARIANTS

LENIENT = Slo(visible_ms=60_000, generator_ms=60_000, behind_s=60)
"""Machines that run tests are busy. Only a wrong answer breaks this one."""


@pytest.mark.slow
def test_what_a_load_sends_is_accepted_visible_and_equal_to_the_oracle(tmp_path: Path) -> None:
    options = Options(
        users=40, first=8.0, steps=1, seconds=2.0, warm_up=1, streams=1, sockets=1, profile=False, raw=True,
        slo=LENIENT, out=tmp_path,
    )  # fmt: skip
    found = run(options, VARIANTS["together"], print)
    assert found.failures == []
    assert (found.good, found.broke) == (8.0, None)
    [step] = found.steps
    raw = msgspec.json.decode((tmp_path / "together-0-raw.json").read_bytes(), type=Raw)
    assert result_of(raw) == step
    assert {one.kind for one in raw.samples} == {"command", "fills", "read"}
    assert step.due_visible[ALL].count == sum(one.kind != "read" for one in raw.samples)
    assert step.due_visible[ALL].p50 > 0
    assert all(step.seen[name].count > 0 for name in ("sse", "websocket"))
    assert {"broker", "gateway", "relay", "worker", "generator-1", "subscribers", "harness"} == step.processes.keys()
    assert step.processes["worker"].cpu > 0
    assert sum(work.events for work in step.domains.values()) > len(raw.samples) / 2
    assert step.operations > 0
    page = write_report(tmp_path, [found]).read_text("utf-8")
    assert "equal, nothing lost" in page
    assert json.loads((tmp_path / "together.json").read_text())["steps"][0]["rate"] == 8.0
