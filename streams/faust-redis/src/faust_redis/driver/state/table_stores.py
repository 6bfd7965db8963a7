"""Find an app's changelogs, and the table stores that keep uncommitted writes apart."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any, cast

from faust_redis.driver.state.stores import CommittedStore


class TableStores:
    """The tables of an app, by changelog topic."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._stores: dict[str, CommittedStore] | None = None

    def changelogs(self) -> Container[str]:
        """Return the names of the changelog topics."""
        return cast("Container[str]", self._app.tables.changelog_topics)

    def is_changelog(self, topic: str) -> bool:
        """Return whether a topic is the changelog of a table."""
        return topic in self._app.tables.changelog_topics

    def stores(self) -> Mapping[str, CommittedStore]:
        """Return the stores that keep uncommitted writes apart, by changelog topic."""
        if self._stores is None:
            # An app's tables do not change after the worker has started, so one lookup is enough.
            found = {table.changelog_topic.get_topic_name(): table.data for table in self._app.tables.values()}
            self._stores = {topic: store for topic, store in found.items() if isinstance(store, CommittedStore)}
        return self._stores
