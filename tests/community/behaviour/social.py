"""Social life: profiles, interactions, follows and contents."""

from __future__ import annotations

from typing import Any, get_args

from streams.events.social import ContentKind, InteractionKind, Platform
from tests.community.behaviour.acts import Act
from tests.community.behaviour.people import Moment, Person

PLATFORMS = get_args(Platform)
CONTENT_KINDS = get_args(ContentKind)
KINDS = ("like", "comment", "share", "endorse", "follow", "report")
WEIGHTS = (25, 15, 10, 20, 25, 5)
ABOUT_CONTENT = ("like", "comment", "share")
assert set(KINDS) == set(get_args(InteractionKind))


def create_profile(person: Person, moment: Moment) -> Act | None:
    """Write or change the own profile."""
    data = {"display_name": f"{person.username} {moment.random.randrange(100)}"}
    if moment.random.random() < 0.5:
        data["bio"] = f"Here since round {moment.at % 9973}."
    return Act(person.id, "CreateProfile", data)


def interact(person: Person, moment: Moment) -> Act | None:
    """Do something to another user, or to content of that user."""
    random = moment.random
    target = moment.town.someone_else(person.id)
    if target is None:
        return None
    if random.random() < 0.01:
        target = "nobody-known"
    data: dict[str, Any] = {"target": target, "kind": random.choices(KINDS, WEIGHTS)[0]}
    shared = list(moment.view.contents(target).shared)
    if shared and data["kind"] in ABOUT_CONTENT and random.random() < 0.7:
        data["content_id"] = random.choice(shared)
        if data["kind"] == "share":
            data["platform"] = random.choice(PLATFORMS)
    return Act(person.id, "Interact", data, frozenset({target}))


def unfollow(person: Person, moment: Moment) -> Act | None:
    """Follow someone no longer."""
    followed = sorted(moment.view.follows(person.id).followed)
    target = moment.random.choice(followed) if followed else moment.town.someone_else(person.id)
    if target is None or (not followed and moment.random.random() < 0.9):
        return None
    return Act(person.id, "Unfollow", {"target": target}, frozenset({target}))


def share_content(person: Person, moment: Moment) -> Act | None:
    """Make content, or share some of the own once more."""
    random, mine = moment.random, list(moment.view.contents(person.id).shared)
    if mine and random.random() < 0.6:
        data = {"content_id": random.choice(mine), "platform": random.choice(PLATFORMS)}
        return Act(person.id, "ShareContent", data)
    return new_content(person, moment)


def new_content(person: Person, moment: Moment) -> Act | None:
    """Make content."""
    random = moment.random
    data = {"kind": random.choice(CONTENT_KINDS), "platform": random.choice(PLATFORMS)}
    if random.random() < 0.3:
        data["about"] = f"about-{random.randrange(1000)}"
    return Act(person.id, "ShareContent", data)
