"""Prometheus metrics of an API process, as an application for a port of its own. It also says that the process lives.

The public port does not serve them: they show operators how busy the installation is, and each scrape asks the broker.
"""

from __future__ import annotations

from faust_redis.log import LogUnavailableError
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api.kit.context import Api

PATH = "/metrics"
ALIVE = {"status": "up"}


def metrics_app(api: Api) -> Starlette:
    """Return the application that answers `/metrics` with this process's metrics and each group's lag, and `/livez`."""

    async def scrape(_: Request) -> Response:
        await _look_at_broker(api)
        return Response(api.metrics.text(), media_type=CONTENT_TYPE_LATEST)

    async def live(_: Request) -> Response:
        return JSONResponse(ALIVE)

    return Starlette(routes=[Route(PATH, scrape), Route("/livez", live)])


async def _look_at_broker(api: Api) -> None:
    try:
        for state in await api.pipeline.look():
            waited_s = {tp: delay.seconds for tp, delay in state.delays.items()}
            api.metrics.show_domain(state.domain, state.group, state.lag, waited_s)
        api.metrics.show_ends(api.pipeline.ends)
        [info] = await api.log.at_once(("INFO",))
        api.metrics.show_broker(info)
        api.metrics.broker_up.set(1)
    except LogUnavailableError:
        api.metrics.broker_up.set(0)
