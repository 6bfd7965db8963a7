"""The topics and apps that use the fast path of sending, and those that the driver leaves to Faust."""

from __future__ import annotations

from typing import Any

import faust
import pytest
from faust.sensors import Monitor, Sensor
from faust.serializers.schemas import Schema
from faust_redis.driver.delivery.decoding import decoder
from faust_redis.driver.event_tasks import EventTasks
from faust_redis.driver.sending.fast_topics import FastTopic, Finder, enable_fast_path


class Own(Schema):  # type: ignore[type-arg]
    """A schema of its own, which may add headers."""


class OwnTopic(faust.Topic):
    """A topic class of its own."""


def quick(app: faust.App, *names: str, **settings: Any) -> Any:
    topic: Any = app.topic(*names, **settings)
    enable_fast_path(topic)
    return topic


@pytest.fixture
def app() -> faust.App:
    return faust.App("app", broker="memory://")


def test_a_plain_topic_and_its_clones_have_the_fast_path(app: faust.App) -> None:
    app.sensors.add(Monitor())
    app.sensors.add(EventTasks())
    app.sensors.add(Finder())
    topic = quick(app, "out")
    assert type(topic) is FastTopic
    each: Any
    for each in (topic, topic.clone(), topic.derive(suffix="-2")):
        assert each.fast_path is not None
        assert decoder(app, each) is not None  # The topic reads as before.


def test_a_topic_of_a_class_of_its_own_is_left_unchanged(app: faust.App) -> None:
    topic = OwnTopic(app, topics=["out"])
    enable_fast_path(topic)
    assert type(topic) is OwnTopic


def test_topics_and_apps_that_need_fausts_way_are_left_to_it(app: faust.App) -> None:
    assert quick(app, "out", schema=Own()).fast_path is None
    assert quick(app, "out").derive(schema=Own()).fast_path is None
    assert quick(app, "one", "two").fast_path is None
    assert quick(app, pattern="o.*").fast_path is None
    assert quick(app, app.conf.reply_to).fast_path is None
    assert quick(faust.App("app", broker="memory://", stream_publish_on_commit=True), "out").fast_path is None
    app.client_only = True
    assert quick(app, "out").fast_path is None
    app.client_only = False
    assert quick(app, "out").fast_path is not None
    app.sensors.add(Sensor())
    assert quick(app, "out").fast_path is not None
