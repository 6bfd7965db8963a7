"""A slice of the contract suite on three shards. `python -m tests.shards` runs all of it."""

import subprocess
import sys

import pytest

SLICE = (
    "tests/contract/test_batches.py::test_only_the_failing_record_of_a_batch_becomes_a_dead_letter",
    "tests/contract/test_faust.py::test_a_table_comes_back_from_its_changelog",
    "tests/contract/test_faust.py::test_word_count",
    "tests/contract/test_standbys.py::test_a_standby_takes_over_with_only_the_tail_to_read",
    "tests/contract/test_standbys.py::test_two_workers_with_the_same_url_share_actives_and_standbys",
    "tests/contract/test_windows.py::test_only_the_owner_of_a_partition_expires_its_windows",
)


@pytest.mark.slow
def test_a_slice_of_the_contract_suite_holds_on_three_shards() -> None:
    command = [sys.executable, "-m", "tests.shards", "-q", *SLICE]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert f"{len(SLICE)} passed" in done.stdout
