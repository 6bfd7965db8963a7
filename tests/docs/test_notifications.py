"""docs/notifications.md lists every kind, text and argument that domains send."""

from __future__ import annotations

import re
from random import Random
from typing import Final

from deploy.dashboard.lock import SOURCE
from streams.events.notifications import KINDS, Notified
from tests.community.behaviour.life import Plan
from tests.community.cluster_life import lived
from tests.docs.notification_texts import check, code, table_rows, texts

SENTENCE: Final = re.compile(r'^  "([\w.]+)": "(.*)",$', re.MULTILINE)
"""A line of the table in the dashboard: a key and its sentence."""
PLAN: Final = Plan(users=14, days=9, seed=3, activity=0.4)


def test_the_table_of_notifications_has_every_kind_in_order() -> None:
    assert tuple(dict.fromkeys(text.kind for text in texts().values())) == KINDS


def test_every_argument_of_a_notification_is_explained() -> None:
    explained = {name for argument, *_ in table_rows("Argument") for name in code(argument)}
    assert explained == {name for text in texts().values() for name in text.required | text.optional}


def test_the_dashboard_has_a_sentence_for_every_text_and_fills_its_gaps() -> None:
    sentences = dict(SENTENCE.findall((SOURCE / "data" / "texts.ts").read_text("utf-8")))
    for key, text in texts().items():
        assert key in sentences, f"the dashboard lacks a sentence for {key!r}"
        assert set(re.findall(r"{(\w+)}", sentences[key])) <= text.required, key


def test_a_community_sends_no_notification_that_the_page_lacks() -> None:
    events = lived(PLAN, random=Random(3)).cluster.events
    types = {event.id: type(event.data).__name__ for event in events}
    sent = [event.data for event in events if isinstance(event.data, Notified)]
    for said in sent:
        check(said)
        assert types[said.cause_id] in texts()[said.text].causes
    assert len({said.text for said in sent}) > len(texts()) / 3, "the community has to send notifications"
