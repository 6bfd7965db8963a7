"""The names of all metrics follow Prometheus' conventions.

Source: https://prometheus.io/docs/practices/naming/
"""

import re

import pytest

from tests.docs.metrics_table import EACH, Family, by_process

NAME = re.compile(
    r"astra_(api|worker|ledger|relay|clock|webhooks|indexer|settlement|sink|archive|event_loop|trace)(_[a-z]+)+"
)
BASE_UNITS = frozenset({"seconds", "bytes"})
OTHER_UNITS = frozenset({"ms", "us", "milliseconds", "micros", "minutes", "hours", "kb", "mb", "percent"})
RESERVED = ("_count", "_sum", "_bucket", "_created", "_info")
FAMILIES = [family for families in by_process().values() for family in families]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_names_have_base_units_last_and_counters_end_in_total(family: Family) -> None:
    words = family.name.split("_")
    assert NAME.fullmatch(family.name)
    assert (words[-1] == "total") == (family.type == "counter")
    assert not family.name.endswith(RESERVED)
    assert not OTHER_UNITS & set(words)
    assert not BASE_UNITS & set(words[: -2 if family.type == "counter" else -1]), "the unit comes last"
    assert family.type != "histogram" or words[-1] in BASE_UNITS
    assert family.text


def test_every_process_has_the_delay_of_its_event_loops_and_the_dropped_spans() -> None:
    names = [family.name for family in by_process()[EACH]]
    assert names == ["astra_event_loop_delay_seconds", "astra_trace_spans_dropped_total"]


def test_no_name_is_declared_twice() -> None:
    names = [family.name for family in FAMILIES]
    assert len(names) == len(set(names))
