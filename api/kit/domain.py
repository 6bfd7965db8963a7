"""The declaration of a domain's part of the API: `API` of `api.<domain>`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from fastapi import APIRouter
from pydantic import BaseModel

from api.config import ApiConfig
from api.kit.commands.admission import WhenDelayed
from api.kit.feeds.feed import Feed
from api.permissions import Permission, Route
from streams.events.base import EventData
from tables.reader import TableReader


class Part(Protocol):
    """An object that a domain's endpoints share within a process. Built once, found by its type: `api.part(Seals)`."""

    def __init__(self, tables: TableReader, config: ApiConfig) -> None:
        """Build it; nothing is read yet."""


@dataclass(frozen=True, slots=True)
class AcceptedCommand:
    """A command that a domain's routes append.

    Attributes:
        body: The model of the body that it is read from; None where there is no body.
        when_delayed: The answer while the domain is down or too far behind.
    """

    body: type[BaseModel] | None
    when_delayed: WhenDelayed


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainApi:
    """The commands, queries and feeds of one domain.

    Attributes:
        title: Its name in the API's description, which groups its routes.
        description: What it is about, in one sentence.
        routers: Its routes, with those of its feeds.
        feeds: Its feeds; each has a follower of its own.
        commands: The classes of events that its routes append. They have to be those that the topology declares.
        bodies: Models of further bodies, where several routes append one class of commands.
        parts: The objects that its endpoints share.
        permissions: Who may call its routes, for a domain whose routes `api.permissions` does not list.
    """

    title: str
    description: str
    routers: tuple[APIRouter, ...]
    feeds: tuple[Feed[Any], ...] = ()
    commands: Mapping[type[EventData], AcceptedCommand] = field(default_factory=dict)
    bodies: tuple[type[BaseModel], ...] = ()
    parts: tuple[type[Part], ...] = ()
    permissions: Mapping[Route, Permission] = field(default_factory=dict)


def joined(title: str, description: str, *parts: DomainApi) -> DomainApi:
    """Return several parts of one domain's API as one, in the order of the parts."""
    return DomainApi(
        title=title,
        description=description,
        routers=tuple(router for part in parts for router in part.routers),
        feeds=tuple(feed for part in parts for feed in part.feeds),
        commands={model: accepted for part in parts for model, accepted in part.commands.items()},
        bodies=tuple(body for part in parts for body in part.bodies),
        parts=tuple(shared for part in parts for shared in part.parts),
        permissions={route: permission for part in parts for route, permission in part.permissions.items()},
    )
