from deploy.admin.doctor.capacity import DAY_MS, HOUR_MS, MIB, capacity_finding

WEEK_MS = 7 * DAY_MS
LIMIT = 1_000 * MIB


def test_memory_that_lasts_for_less_than_the_retention_is_a_warning_that_says_what_fits() -> None:
    finding = capacity_finding(LIMIT, 400 * MIB, 0, 2 * DAY_MS, WEEK_MS)
    assert finding.level == "warn"
    assert "200.0 MiB of events a day: room for 4.0 days, and events are kept for 7.0" in finding.found
    assert f"at most {4 * DAY_MS}" in finding.remedy
    assert capacity_finding(LIMIT, 400 * MIB, 0, 2 * DAY_MS, 4 * DAY_MS).level == "ok"
    beside_rows = capacity_finding(LIMIT, 400 * MIB, 200 * MIB, 2 * DAY_MS, WEEK_MS)
    assert f"at most {3 * DAY_MS}" in beside_rows.remedy


def test_rows_are_no_part_of_the_rate_at_which_events_come() -> None:
    finding = capacity_finding(LIMIT, 70 * MIB, 600 * MIB, DAY_MS, 2 * DAY_MS)
    assert finding.level == "ok"
    assert "70.0 MiB of events a day" in finding.found


def test_rows_that_fill_the_memory_are_a_warning_that_advises_no_shorter_retention() -> None:
    finding = capacity_finding(LIMIT, 10 * MIB, 795 * MIB, WEEK_MS, WEEK_MS)
    assert finding.level == "warn"
    assert "10 MiB of events and 795 of rows" in finding.found
    assert "raise maxmemory" in finding.remedy
    assert "ASTRA_RETENTION_MS" not in finding.remedy


def test_memory_that_lasts_is_well() -> None:
    assert capacity_finding(LIMIT, 100 * MIB, 10 * MIB, WEEK_MS, WEEK_MS).level == "ok"
    assert capacity_finding(LIMIT, 0, 0, WEEK_MS, WEEK_MS).level == "ok"


def test_a_young_log_shows_no_rate() -> None:
    assert capacity_finding(100 * MIB, 99 * MIB, 0, HOUR_MS - 1, WEEK_MS).level == "ok"
