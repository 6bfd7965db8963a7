"""docs/notifications.md lists every kind, text and argument that domains send."""

from __future__ import annotations

from random import Random
from typing import Final

from streams.events.notifications import KINDS, Notified
from tests.community.behaviour.life import Plan
from tests.community.cluster_life import lived
from tests.docs.notification_texts import check, code, table_rows, texts

PLAN: Final = Plan(users=14, days=9, seed=3, activity=0.4)


def test_the_table_of_notifications_has_every_kind_in_order() -> None:
    assert tuple(dict.fromkeys(text.kind for text in texts().values())) == KINDS


def test_every_argument_of_a_notification_is_explained() -> None:
    explained = {name for argument, *_ in table_rows("Argument") for name in code(argument)}
    assert explained == {name for text in texts().values() for name in text.required | text.optional}


def test_a_community_sends_no_notification_that_the_page_lacks() -> None:
    events = lived(PLAN, random=Random(3)).cluster.events
    types = {event.id: type(event.data).__name__ for event in events}
    sent = [event.data for event in events if isinstance(event.data, Notified)]
    for said in sent:
        check(said)
        assert types[said.cause_id] in texts()[said.text].causes
    assert len({said.text for said in sent}) > len(texts()) / 3, "the community has to send notifications"
