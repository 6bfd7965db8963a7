"""The brokers that the contract is tested on."""

from __future__ import annotations

from pathlib import Path

import pytest
from yarl import URL

from tests.contract.harness import Broker


@pytest.fixture
def broker(broker_url: str, namespace: str, tmp_path: Path) -> Broker:
    """The broker under test."""
    return Broker(URL(broker_url).update_query(namespace=namespace), tmp_path)
