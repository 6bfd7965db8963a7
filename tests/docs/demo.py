"""Run a demo for the shell blocks of the documentation, with the packaged fills and always one dead letter."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import httpx
from faust_redis.dead_letters import DeadLetter, DeadLetters
from faust_redis.log import Log, Record

from deploy.server.endpoint import running_url
from deploy.server.process import Child, spawn
from streams.topics import DEAD_LETTERS, TRADING_COMMANDS
from tests.docs.snippets import ShellCommand
from tests.ports import free_port
from tests.source import PYTHON_PATH
from tests.support import forked

UP_S: Final = 90.0
COMMAND_S: Final = 120.0
STARTED_S: Final = 4.0
"""How long a command that serves must stay up to count as started."""

POLL_S: Final = 0.1
SERVING: Final = frozenset({"worker", "api"})
MODULES: Final = {"astratrade": "deploy.cli.main", "faust-redis": "faust_redis.cli"}
LETTER: Final = re.compile(r"\S+:\d+:\d+")


class Demo:
    """`astratrade dev --replay sample` on free ports, in a directory of its own. Start it with `with`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.output = directory / "dev.log"
        self.printed = directory / "command.log"
        self._ran: list[ShellCommand] = []
        self._process: subprocess.Popen[bytes]

    def __enter__(self) -> Self:
        arguments = ["dev", "--replay", "sample", "--port", str(self.port), "--data-dir", str(self.directory / "data")]
        with self.output.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", MODULES["astratrade"], *arguments],
                env=self._environment({}),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
            )
        try:
            self._wait_for_replay()
            self._wait_for_archive()
        except BaseException as exc:
            self.__exit__(type(exc), exc, exc.__traceback__)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(COMMAND_S)
        self._process.kill()
        self._process.wait()
        if error is not None:
            error.add_note(self.output.read_text(errors="replace")[-4_000:])

    def run(self, command: ShellCommand) -> None:
        """Run a command of a shell block as its reader would, and require status 0.

        A command that serves must stay up until it is stopped. A command that the demo has run is not run again.
        """
        if command in self._ran:
            return
        self._ran.append(command)
        argv = self._argv(command)
        if command.words[1:2] and command.words[1] in SERVING:
            self._run_briefly(argv, command)
            return
        process = self._started(argv, self._environment(command.variables))
        assert process.wait(COMMAND_S) == 0, f"{command.text}: status {process.returncode}\n{self._printed()}"

    def _started(self, argv: list[str], environment: Mapping[str, str]) -> Child:
        """Start a command: one of ours as a fork, any other as a program. Ours are told yes when they ask."""
        with self.printed.open("wb") as output:
            if tuple(argv[:2]) == forked.PYTHON:
                return forked.Forked(*argv[2:], env=environment, output=output, typed="y\n")
            return spawn(argv, env=environment, output=output)

    def _printed(self) -> str:
        return self.printed.read_text("utf-8", errors="replace")

    def _run_briefly(self, argv: list[str], command: ShellCommand) -> None:
        environment = {**self._environment(command.variables), "ASTRA_API_PORT": str(free_port())}
        process = self._started(argv, environment)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STARTED_S)
        process.send_signal(signal.SIGTERM)
        status = process.wait(COMMAND_S)
        # Before a process is up it may have no signal handler yet.
        is_up = "startup complete" in self._printed()
        in_order = status == 0 or (status == -signal.SIGTERM and not is_up)
        assert in_order, f"{command.text}: {status}\n{self._printed()}"

    def _argv(self, command: ShellCommand) -> list[str]:
        program, *arguments = (self._here(word) for word in command.words)
        module = MODULES.get(Path(program).name)
        return [*forked.PYTHON, module, *arguments] if module else [shutil.which(program) or program, *arguments]

    def _here(self, word: str) -> str:
        """Return a word with this demo's port and a letter that exists."""
        if LETTER.fullmatch(word) and TRADING_COMMANDS in word:
            return asyncio.run(self._letter()).id
        return word.replace("127.0.0.1:8000", f"127.0.0.1:{self.port}").replace(
            "localhost:8000", f"127.0.0.1:{self.port}"
        )

    async def _letter(self) -> DeadLetter:
        """Return a dead letter; when there is none, append a message that no agent can decode."""
        async with Log(self._url(), "astra") as log:
            letters = DeadLetters(log, DEAD_LETTERS)
            if not await letters.all():
                await log.append([Record(TRADING_COMMANDS, 0, b"trader-1", b"not an event", 0)])
            deadline = time.monotonic() + COMMAND_S
            while not (found := await letters.all()):
                assert time.monotonic() < deadline, "no dead letter came"
                await asyncio.sleep(POLL_S)
            return found[0]

    def _url(self) -> str:
        url = running_url(self.directory / "data")
        assert url is not None, "the demo's server is not running"
        return url

    def _environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ASTRA_")}
        own_log = {
            "PYTHONPATH": PYTHON_PATH,
            "PYTHONUNBUFFERED": "1",
            "ASTRA_DATA_DIR": str(self.directory / "data"),
            "ASTRA_API_PORT": str(self.port),
            "ASTRA_ARCHIVE_INTERVAL_S": "1",
        }
        with suppress(AssertionError):
            own_log["FAUST_REDIS_URL"] = self._url()
        return {**kept, **own_log, **variables}

    def _wait_for_archive(self) -> None:
        deadline = time.monotonic() + UP_S
        while not [*self.directory.glob(f"data/archive/*/{TRADING_COMMANDS}/*/*/*.parquet")]:
            assert time.monotonic() < deadline, self.output.read_text(errors="replace")
            time.sleep(POLL_S)

    def _wait_for_replay(self) -> None:
        deadline = time.monotonic() + UP_S
        while True:
            assert self._process.poll() is None, self.output.read_text(errors="replace")
            assert time.monotonic() < deadline, self.output.read_text(errors="replace")
            with suppress(httpx.HTTPError, KeyError):
                stats = httpx.get(f"http://127.0.0.1:{self.port}/v1/stats", trust_env=False, verify=False).json()
                if stats["users"] >= 3 and stats["lag"] == 0:
                    return
            time.sleep(POLL_S)
