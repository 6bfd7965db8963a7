"""`astratrade webhooks` as an operator runs it: it posts to a receiver, serves its probes, and ends at a signal."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import httpx
from aiohttp import web
from faust_redis.log import Log

from api.auth import Role
from api.identity import webhooks
from api.identity.accounts import create_account
from api.identity.secret import Seal
from api.identity.store.database import IdentityStore
from api.kit.clock import now
from streams import topics
from tests.e2e.children import Child
from tests.identity.test_webhooks import EXECUTED, executed
from tests.integration.api.support import Worker
from tests.ports import free_port
from tests.source import PYTHON_PATH
from tests.support.tokens import SECRET

COMMAND = (sys.executable, "-P", "-m", "deploy.cli.main", "webhooks")
WITHIN_S = 60.0


async def status(port: int) -> str:
    """Return what `/readyz` says, empty while nothing answers."""
    async with httpx.AsyncClient(trust_env=False) as client:
        try:
            return str((await client.get(f"http://127.0.0.1:{port}/readyz")).json()["status"])
        except httpx.TransportError:
            return ""


async def test_the_process_posts_serves_its_probes_and_ends_at_a_signal(
    log: Log, broker_url: str, sqlite_url: str, tmp_path: Path
) -> None:
    got: asyncio.Queue[bytes] = asyncio.Queue()

    async def hook(request: web.Request) -> web.Response:
        await got.put(await request.read())
        return web.Response()

    app = web.Application()
    app.router.add_post("/", hook)
    runner = web.AppRunner(app)
    await runner.setup()
    receiver, port = free_port(), free_port()
    await web.TCPSite(runner, "127.0.0.1", receiver).start()
    worker, store = Worker(log, "astratrade"), IdentityStore(sqlite_url)
    await worker.create_topics()
    await store.open()
    async with store.work(now()) as work:
        await create_account(work, username="venue-1", role=Role.VENUE, account_id="venue-1")
        url = f"http://127.0.0.1:{receiver}/"
        await webhooks.subscribe(work, Seal(SECRET), "venue-1", url, frozenset({EXECUTED}))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ASTRA_")},
        "PYTHONPATH": PYTHON_PATH,
        "ASTRA_BROKER_URL": broker_url,
        "ASTRA_NAMESPACE": log.keys.namespace,
        "ASTRA_DATABASE_URL": sqlite_url,
        "ASTRA_SECRET": SECRET,
        "ASTRA_WEBHOOKS_PORT": str(port),
        "ASTRA_WEBHOOKS_PRIVATE": "true",
    }
    process = Child("webhooks", COMMAND, environment, tmp_path)
    try:
        async with asyncio.timeout(WITHIN_S):
            while await status(port) != "leads":
                assert process.exit_code is None, process.last_words()
                await asyncio.sleep(0.1)
            event = executed()
            await worker.emit(topics.TRADING_EVENTS, event)
            assert event.id.encode() in await got.get()
        async with httpx.AsyncClient(trust_env=False) as client:
            assert "astra_webhooks_leads 1.0" in (await client.get(f"http://127.0.0.1:{port}/metrics")).text
        assert await asyncio.to_thread(process.stop)
    finally:
        process.kill()
        await runner.cleanup()
        await store.close()
