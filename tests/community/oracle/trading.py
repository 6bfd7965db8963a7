"""The trading domain of the oracle."""

from __future__ import annotations

from tests.community.oracle import crossing
from tests.community.oracle.crossing import Domains


class Trading(crossing.Trading):
    """Applies what concerns the trading domain."""

    def __init__(self, community: Domains) -> None:
        self.community = community
