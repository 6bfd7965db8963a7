"""The gamification domain of the oracle."""

from __future__ import annotations

from tests.community.oracle import crossing
from tests.community.oracle.crossing import Domains


class Gamification(crossing.Gamification):
    """Applies what concerns the gamification domain."""

    def __init__(self, community: Domains) -> None:
        self.community = community
