"""The social agents."""

from __future__ import annotations

import faust

from agents.rulebook import Rulebook
from agents.social.domain import Social
from agents.wiring import wire
from streams.events.recent import Recent
from tables.social import DOMAIN
from tables.typed import opener


def register(app: faust.App, rulebook: Rulebook, codec: Recent, *, at_least_once: bool) -> Social:
    """Add the social agents and tables to an app."""
    social = Social(opener(app, app.conf.topic_partitions), rulebook, at_least_once=at_least_once)
    wire(app, DOMAIN, social.tables, codec, dict.fromkeys(DOMAIN.consumes, social.handle))
    return social
