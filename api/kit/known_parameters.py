"""Refuse query parameters that a route does not have, so that a misspelt one is not taken for none."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse

from api.kit.problems import VALIDATION, Fault, Problem


async def refuse_unknown(connection: HTTPConnection) -> None:
    """Refuse a request with a parameter that its route does not have. A page's parameters are for its script.

    Raises:
        Problem: 422, which names the parameter and those that are possible.
    """
    if not connection.scope["query_string"]:
        return
    route = connection.scope["route"]
    if not isinstance(route, APIRoute) or route.response_class is HTMLResponse:
        return
    known = frozenset(_names(route.dependant))
    faults = [
        Fault(parameter=name, detail=f"is unknown; possible: {', '.join(sorted(known)) or 'none'}")
        for name in connection.query_params
        if name not in known
    ]
    if faults:
        detail = "; ".join(f"{fault.parameter} {fault.detail}" for fault in faults[:3])
        raise Problem(VALIDATION, detail, errors=faults)


def _names(dependant: Dependant) -> Iterator[str]:
    for parameter in dependant.query_params:
        yield parameter.alias
    for needed in dependant.dependencies:
        yield from _names(needed)
