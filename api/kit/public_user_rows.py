"""Serve a table with one row a user to everyone: a query, and a feed of some users or of all.

A private user is unknown to others. The public sees a row in a form of its own; the owner and staff see it whole.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from api.kit.callers import AudienceDep
from api.kit.context import ApiDep
from api.kit.feeds.feed import Feed
from api.kit.feeds.public_form import PublicForm, PublicRows
from api.kit.feeds.reading import user_rows
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import LastEventId, Users, feed_router, open_feed
from api.kit.feeds.views import RowsView
from api.kit.openapi import problems
from api.kit.parameters import UserPath, visible
from api.kit.past import At
from api.kit.problems import FORBIDDEN, Problem
from api.kit.projection import Projection
from api.kit.users import user_router, user_row
from api.permissions import PUBLIC, Permission, Route
from streams.topology import TableSpec

Form = Callable[[dict[str, Any]], dict[str, Any]]
"""Returns what the public sees of a row, also of a deleted one."""


class PublicUserRows:
    """The routes of such a table: `/v1/users/{user_id}/<query>` and `/v1/feed/<feed>`.

    Attributes:
        routers: The routers of the query and of the feed.
        feed: The declaration of the feed.
        permissions: Both routes are public.
    """

    def __init__(
        self,
        paths: tuple[str, str],
        table: TableSpec[Any],
        projection: Projection[Any],
        form: Form,
        *,
        title: str,
        doc: str,
    ) -> None:
        """Declare the routes.

        Args:
            paths: The last part of the query's path, and the name of the feed.
            table: The table.
            projection: How clients see a row.
            form: What the public sees of it.
            title: The title of the query and of the feed.
            doc: What the row says, as a sentence.
        """
        query, name = paths
        self._table, self._projection, self._form = table, projection, form
        self.feed: Final[Feed[Any]] = Feed(name=name, follows=table, read=user_rows(projection))
        self.routers: tuple[APIRouter, APIRouter] = (user_router(), feed_router())
        self.permissions: dict[Route, Permission] = {
            ("GET", f"/v1/users/{{user_id}}/{query}"): PUBLIC,
            ("GET", f"/v1/feed/{name}"): PUBLIC,
        }
        self._add_query(query, title, doc)
        self._add_feed(name, title, doc)

    def _add_query(self, query: str, title: str, doc: str) -> None:
        answer: type[BaseModel] = self._projection.answer(
            f"{self._projection.model.__name__}Answer", f"{doc} It is true for `position`."
        )

        @self.routers[0].get(
            f"/{{user_id}}/{query}",
            summary=title,
            description=f"{doc} A private user is unknown here to everyone else. `at` is for the user and staff.",
            dependencies=[visible(self._table)],
            response_model=answer,
            responses=problems(403),
            operation_id=f"get_{query.replace('-', '_')}",
        )
        async def get_row(api: ApiDep, user_id: UserPath, audience: AudienceDep, at: At = None) -> Response:
            if at is not None and not audience.knows(user_id):
                raise Problem(FORBIDDEN, f"rows of the past are for their user and staff; this is {user_id}")
            return await user_row(api, self._table, self._projection, user_id, public=(audience, self._form), at=at)

    def _add_feed(self, name: str, title: str, doc: str) -> None:
        @self.routers[1].get(
            f"/{name}",
            summary=f"{title} of users",
            description=f"{doc}\n\nFollow the rows of some users, or of all. Private users are left out.",
            operation_id=f"follow_{name.replace('-', '_')}",
        )
        async def follow(
            api: ApiDep,
            audience: AudienceDep,
            users: Users = [],  # noqa: B006 - FastAPI copies it
            last_event_id: LastEventId = None,
        ) -> FeedResponse:
            keys = [(user_id, user_id) for user_id in users] or None
            public = PublicRows(PublicForm(self._form), audience)
            view = RowsView(api.hub.tables, self._table.name, self._projection.load, keys=keys, public=public)
            return await open_feed(api, self.feed, view, last_event_id, audience)
