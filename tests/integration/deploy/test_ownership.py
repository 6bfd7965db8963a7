"""A second application id on a namespace is refused before it reads or writes anything."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from faust_redis.log import Log

from deploy.server.embedded import EmbeddedServer
from deploy.server.server_binary import find_binary
from streams.topics import NAMESPACE

WORKER_TIMEOUT_S = 60.0


def worker(url: str, app_id: str, data_dir: Path) -> subprocess.CompletedProcess[str]:
    variables = {"ASTRA_BROKER_URL": url, "ASTRA_APP_ID": app_id, "ASTRA_DATA_DIR": str(data_dir)}
    return subprocess.run(
        [sys.executable, "-P", "-m", "deploy.cli.main", "worker"],
        env=os.environ | variables, capture_output=True, text=True, timeout=WORKER_TIMEOUT_S, check=False,
    )  # fmt: skip


def test_a_worker_of_another_application_is_refused_in_one_line(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path / "server", find_binary()) as server:
        _refused(server.url, tmp_path)


def _refused(url: str, tmp_path: Path) -> None:
    async def claim() -> None:
        async with Log(url, NAMESPACE, owner="astratrade"):
            pass

    async def topics() -> list[str]:
        async with Log(url, NAMESPACE) as log:
            return await log.topics()

    asyncio.run(claim())
    ended = worker(url, "rival", tmp_path)
    assert ended.returncode == 1
    assert "belongs to application 'astratrade', so application 'rival' cannot use it" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert asyncio.run(topics()) == []
