"""Serve a table with one row a user to its owner: a query, and a feed of the caller's row."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from api.kit.callers import Permitted
from api.kit.context import ApiDep
from api.kit.feeds.feed import Feed
from api.kit.feeds.reading import user_rows
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import LastEventId, feed_router, open_feed
from api.kit.feeds.views import RowsView
from api.kit.openapi import problems
from api.kit.parameters import OwnUser, visible
from api.kit.past import At
from api.kit.projection import Projection
from api.kit.users import user_router, user_row
from api.permissions import OWN, OWNED, Permission, Route
from streams.topology import TableSpec


class OwnRows:
    """The routes of such a table: `/v1/users/{user_id}/<name>` and `/v1/feed/<name>`.

    Attributes:
        routers: The routers of the query and of the feed.
        feed: The declaration of the feed.
        permissions: Who may call the routes: the owner and staff, and for the feed the caller alone.
    """

    def __init__(
        self,
        name: str,
        table: TableSpec[Any],
        projection: Projection[Any],
        *,
        title: str,
        doc: str,
        absent: str = "",
    ) -> None:
        """Declare the routes.

        Args:
            name: The last part of the paths.
            table: The table.
            projection: How clients see a row.
            title: The title of the query and the feed.
            doc: What the row says, as a sentence.
            absent: When a user gets the row, for the answer 404; may be empty.
        """
        self._table, self._projection, self._absent = table, projection, absent
        self.feed: Final[Feed[Any]] = Feed(name=name, follows=table, read=user_rows(projection))
        self._answer = projection.answer(f"{projection.model.__name__}Answer", f"{doc} It is true for `position`.")
        self.routers: tuple[APIRouter, APIRouter] = (user_router(), feed_router())
        self.permissions: dict[Route, Permission] = {
            ("GET", f"/v1/users/{{user_id}}/{name}"): OWNED,
            ("GET", f"/v1/feed/{name}"): OWN,
        }
        self._add_query(name, title, doc)
        self._add_feed(name, title, doc)

    def _add_query(self, name: str, title: str, doc: str) -> None:
        answer: type[BaseModel] = self._answer

        @self.routers[0].get(
            f"/{{user_id}}/{name}",
            summary=title,
            description=f"{doc} For the user, and for staff.",
            dependencies=[visible(self._table, private=True)],
            response_model=answer,
            responses=problems(401, 403),
            operation_id=f"get_{name.replace('-', '_')}",
        )
        async def get_row(api: ApiDep, user_id: OwnUser, at: At = None) -> Response:
            return await user_row(api, self._table, self._projection, user_id, absent=self._absent, at=at)

    def _add_feed(self, name: str, title: str, doc: str) -> None:
        @self.routers[1].get(
            f"/{name}",
            summary=f"Your {title[0].lower()}{title[1:]}",
            description=f"{doc}\n\nFollow the caller's row.",
            responses=problems(401),
            operation_id=f"follow_{name.replace('-', '_')}",
        )
        async def follow(api: ApiDep, permit: Permitted, last_event_id: LastEventId = None) -> FeedResponse:
            keys = [(permit.caller.subject, permit.caller.subject)]
            view = RowsView(api.hub.tables, self._table.name, self._projection.load, keys=keys)
            return await open_feed(api, self.feed, view, last_event_id, permit)
