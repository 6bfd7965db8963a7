from deploy.admin.doctor.capacity import DAY_MS, HOUR_MS, MIB, capacity_finding

WEEK_MS = 7 * DAY_MS


def test_memory_that_lasts_for_less_than_the_retention_is_a_warning_that_says_what_fits() -> None:
    finding = capacity_finding(1_000 * MIB, 400 * MIB, 2 * DAY_MS, WEEK_MS)
    assert finding.level == "warn"
    assert "200.0 MiB a day: room for 4.0 days, and events are kept for 7.0" in finding.found
    assert f"at most {4 * DAY_MS}" in finding.remedy
    assert capacity_finding(1_000 * MIB, 400 * MIB, 2 * DAY_MS, 4 * DAY_MS).level == "ok"


def test_memory_that_lasts_is_well() -> None:
    assert capacity_finding(1_000 * MIB, 100 * MIB, WEEK_MS, WEEK_MS).level == "ok"
    assert capacity_finding(1_000 * MIB, 0, WEEK_MS, WEEK_MS).level == "ok"


def test_a_young_log_shows_no_rate() -> None:
    assert capacity_finding(100 * MIB, 99 * MIB, HOUR_MS - 1, WEEK_MS).level == "ok"
