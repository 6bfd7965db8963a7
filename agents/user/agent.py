"""The user agent, which consumes the events of accounts."""

from __future__ import annotations

import faust

from agents.rulebook import Rulebook
from agents.user.domain import User
from agents.wiring import wire
from streams.events.recent import Recent
from tables.typed import opener
from tables.user import DOMAIN


def register(app: faust.App, rulebook: Rulebook, codec: Recent, *, at_least_once: bool) -> User:
    """Add the user agents and tables to an app."""
    user = User(opener(app, app.conf.topic_partitions), rulebook, at_least_once=at_least_once)
    wire(app, DOMAIN, user.tables, codec, dict.fromkeys(DOMAIN.consumes, user.handle))
    return user
