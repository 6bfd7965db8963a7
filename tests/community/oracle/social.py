"""The social domain of the oracle."""

from __future__ import annotations

from tests.community.oracle import crossing
from tests.community.oracle.crossing import Domains


class Social(crossing.Social):
    """Applies what concerns the social domain."""

    def __init__(self, community: Domains) -> None:
        self.community = community
