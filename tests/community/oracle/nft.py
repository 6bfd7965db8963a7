"""The nft domain of the oracle."""

from __future__ import annotations

from tests.community.oracle import crossing
from tests.community.oracle.crossing import Domains


class Nft(crossing.Nft):
    """Applies what concerns the nft domain."""

    def __init__(self, community: Domains) -> None:
        self.community = community
