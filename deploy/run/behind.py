"""Find the events behind a row in a process of its own: `astratrade why`, bounded.

The API does not have the rules of the domains, and their fold would hold up its event loop. The process ends with its
answer, so what it held in memory is gone.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Final

from api.operators.searches import Behind, SearchError

WITHIN_S: Final = 10
EVENTS_MAX: Final = 500
START_S: Final = 20
"""How long the process may take besides: to start on a busy machine, and to write its answer."""
FAULT_CHARS_MAX: Final = 300


def behind_by_process(data_dir: Path) -> Behind:
    """Return a function that runs the command on an installation's data directory, with this process's environment."""

    async def behind(table: str, key: str) -> bytes:
        bounds = ("--within", str(WITHIN_S), "--events", str(EVENTS_MAX))
        options = ("--format", "json", *bounds, "--data-dir", str(data_dir))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "deploy.cli.main", "why", *options, "--", table, key),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(WITHIN_S + START_S):
                answer, faults = await process.communicate()
        except TimeoutError as exc:
            raise SearchError(f"the search did not end within {WITHIN_S + START_S} s") from exc
        finally:
            if process.returncode is None:  # too slow, or the request was cancelled
                process.kill()
                await process.wait()
        if process.returncode:
            raise SearchError(faults.decode(errors="replace").strip()[-FAULT_CHARS_MAX:] or "the search has failed")
        return answer

    return behind
