"""The rules are current, Prometheus accepts them, and each alert fires and does not fire as its unit test says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.observe import promtool
from tests.observe.rules import RULES, alerts, duration, files, recording, windowed

NEEDS_PROMTOOL = pytest.mark.skipif(
    not promtool.is_installed(), reason="promtool is not installed; Debian has it in the package prometheus"
)


def test_the_files_are_what_the_code_makes() -> None:
    found = {path.name: path.read_text("utf-8") for path in RULES.iterdir()}
    assert found == files(), "run python -m tests.observe.rules"


def test_every_alert_has_a_unit_test_that_fires_it_and_one_in_which_it_stays_silent() -> None:
    fired: set[str] = set()
    silent: set[str] = set()
    for file in promtool.FAST, promtool.SLOW:
        tests: Any = yaml.safe_load(file.read_text("utf-8"))["tests"]
        for check in (check for one in tests for check in one["alert_rule_test"]):
            (fired if check["exp_alerts"] else silent).add(check["alertname"])
    assert fired == silent == {alert.name for alert in alerts()}


def test_a_pace_shortens_windows_and_waits_and_nothing_else() -> None:
    assert windowed("increase(x[{5m}])", 1) == "increase(x[5m])"
    assert windowed("increase(x[{5m}])", 60) == "increase(x[5s])"
    assert duration(30, 60) == "1s"
    fast, slow = recording(60), recording()
    assert [rule["record"] for rule in fast] == [rule["record"] for rule in slow]
    assert "[60s]" in str(fast)
    assert "[60s]" not in str(slow)


@NEEDS_PROMTOOL
@pytest.mark.heavy
def test_prometheus_accepts_the_rules_and_each_alert_fires_on_its_condition(tmp_path: Path) -> None:
    promtool.check_rules()
    promtool.run_unit_tests(promtool.FAST, tmp_path)


@pytest.mark.slow
@NEEDS_PROMTOOL
@pytest.mark.heavy
def test_alerts_that_look_back_over_days_fire_on_their_condition(tmp_path: Path) -> None:
    promtool.run_unit_tests(promtool.SLOW, tmp_path)
