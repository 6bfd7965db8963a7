from tables.domains import TOPOLOGY
from tests.community.compared.engine import StoredRow, differences, rules
from tests.community.oracle import Community


def test_every_table_is_compared_or_must_be_empty_or_has_a_reason() -> None:
    by = rules()
    known = [*by.tables, *by.empty, *by.not_compared]
    assert sorted(known) == sorted(spec.name for spec in TOPOLOGY.tables), "each table once"
    assert all(reason for reason in by.not_compared.values())


def test_a_row_of_a_table_that_must_be_empty_is_a_difference() -> None:
    by = rules()
    left = {table: [StoredRow(0, "left", b"row")] for table in by.empty}
    found = list(differences(left, Community().rows(), by))
    assert {one.table for one in found} == by.empty
