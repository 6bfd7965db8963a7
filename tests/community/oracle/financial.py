"""The financial domain of the oracle."""

from __future__ import annotations

from tests.community.oracle import crossing
from tests.community.oracle.crossing import Domains


class Financial(crossing.Financial):
    """Applies what concerns the financial domain."""

    def __init__(self, community: Domains) -> None:
        self.community = community
