"""Fixtures of the tests of constellations."""

import pytest

from tests.unit.agents.cluster import Cluster


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()
