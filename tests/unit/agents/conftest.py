"""A new world for each test, and no notification that docs/notifications.md lacks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from streams.events.notifications import Notified
from tests.docs.notification_texts import check
from tests.unit.agents.world import World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture(scope="session", autouse=True)
def documented_notifications() -> Iterator[None]:
    """Fail the test in which a domain sends a text or an argument that the documentation lacks."""

    def documented(**fields: Any) -> Notified:
        said = Notified(**fields)
        check(said)
        return said

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("agents.notices.Notified", documented)
        yield
