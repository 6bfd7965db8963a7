"""On how many shards the suites of this process run: one, unless `python -m tests.shards` runs them."""

import os
from typing import Final

VARIABLE: Final = "TEST_SHARDS"


def shards_chosen() -> int:
    """Return the number of shards of the brokers that suites start."""
    return int(os.environ.get(VARIABLE, "1"))
