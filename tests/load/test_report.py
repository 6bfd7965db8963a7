"""The report's figures, from a recorded step: they say what happened, whatever the speed of the machine."""

import json
import math
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.load.options import Slo
from tests.load.report import read_run, write_report
from tests.load.result import ALL, Raw, StepResult, result_of
from tests.load.run import Run

RECORDED = Path(__file__).parents[1] / "fixtures/load/step.json"


@pytest.fixture
def recorded() -> dict[str, Any]:
    """Return what was observed of a real step, as plain JSON."""
    found: dict[str, Any] = json.loads(RECORDED.read_text("utf-8"))
    return found


@pytest.fixture
def step() -> StepResult:
    """Return the figures of the recorded step."""
    return result_of(msgspec.json.decode(RECORDED.read_bytes(), type=Raw))


def run_of(step: StepResult, **more: Any) -> Run:
    base: dict[str, Any] = {
        "variant": "together", "title": "one worker for all domains", "date": "2026-11-30 00:00 UTC",
        "machine": {"machine": "2 cores"}, "options": {"users": "200"}, "slo": Slo(),
        "good": step.rate, "steps": [step],
    }  # fmt: skip
    return Run(**{**base, **more})


def greatest_of_99(milliseconds: list[float]) -> float:
    """Return the least value that 99 % of the values do not exceed."""
    ordered = sorted(milliseconds)
    return ordered[math.ceil(0.99 * len(ordered)) - 1]


def test_the_figures_of_a_recorded_step_follow_from_its_requests(recorded: dict[str, Any], step: StepResult) -> None:
    carried = [one for one in recorded["samples"] if one["kind"] != "read"]
    assert len(recorded["samples"]) == step.requests > 50
    assert step.errors == 0
    late = [1_000 * (one["visible_s"] - one["due_s"]) for one in carried]
    assert step.due_visible[ALL].p99 == pytest.approx(greatest_of_99(late), abs=0.001)
    assert step.due_visible[ALL].most == pytest.approx(max(late), abs=0.001)
    assert step.due_visible[ALL].count == len(carried)
    reads = [1_000 * (one["answered_s"] - one["due_s"]) for one in recorded["samples"] if one["kind"] == "read"]
    assert step.answered["read"].p99 == pytest.approx(greatest_of_99(reads), abs=0.001)
    assert step.behind_s == max(one["behind_s"] for one in recorded["domains"].values())


def test_the_report_shows_the_figures_of_its_steps(tmp_path: Path, step: StepResult) -> None:
    page = write_report(tmp_path, [run_of(step)]).read_text("utf-8")
    late = step.due_visible[ALL]
    assert f"| {late.p50:.0f} / {late.p99:.0f} / {late.most:.0f} ms |" in page
    assert f"| {step.rate:.0f} | {step.requests} | 0.00% |" in page
    used = sum(step.processes[name].cpu for name in ("broker", "gateway", "relay", "worker"))
    assert f"| {1_000 * used * step.seconds / step.requests:.2f} |" in page
    assert "| nothing |" in page
    assert "equal, nothing lost" in page
    assert {path.name for path in tmp_path.glob("*.svg")} == {
        f"together-{name}.svg" for name in ("latency", "cpu", "behind")
    }


def test_a_run_is_read_back_from_its_file(tmp_path: Path, step: StepResult) -> None:
    run = run_of(step, notes=["py-spy is not installed"])
    write_report(tmp_path, [run])
    assert read_run(tmp_path / "together.json") == run


def test_the_report_says_what_broke_at_which_rate_and_what_failed(tmp_path: Path, step: StepResult) -> None:
    behind = {name: msgspec.structs.replace(one, behind_s=11.0) for name, one in step.domains.items()}
    worse = msgspec.structs.replace(step, rate=50.0, behind_s=11.0, domains=behind)
    run = run_of(
        step, broke=50.0, steps=[step, worse], failures=["e-1 was accepted 1 times, and the log has it 0 times"]
    )
    page = write_report(tmp_path, [run]).read_text("utf-8")
    assert "| 25/s | 50/s | a domain was 11.0 s behind, over 10 |" in page
    assert "1 failures" in page
    assert "* FAILURE: e-1 was accepted" in page
    assert page.count("| broken |") == 1
