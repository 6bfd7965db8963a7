"""The user domain of the oracle."""

from __future__ import annotations

from tests.community.oracle import crossing
from tests.community.oracle.crossing import Domains


class User(crossing.User):
    """Applies what concerns the user domain."""

    def __init__(self, community: Domains) -> None:
        self.community = community
