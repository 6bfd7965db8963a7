"""A sampling profile of Python processes by py-spy, and what it says in a few lines."""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

RATE_HZ: Final = 100
TOP: Final = 12
SITE: Final = re.compile(r".*/(?:site-packages|lib/python3\.\d+)/")
FRAME: Final = re.compile(r"^(?P<function>.+) \((?P<file>[^:()]+)(?::\d+)?\)$")
OURS: Final = ("faust_redis", "agents", "tables", "api", "streams", "deploy")


class Profile(msgspec.Struct, frozen=True):
    """What a process did while it was sampled.

    Attributes:
        samples: How many samples found a thread that held the interpreter's lock.
        busy: The share of all samples that did: at 1 the process can run no more Python.
        functions: The share of samples in a function itself, greatest first.
        packages: The share of samples in each package itself.
        threads: The share of samples of each thread.
    """

    process: str
    samples: int
    busy: float
    functions: Mapping[str, float]
    packages: Mapping[str, float]
    threads: Mapping[str, float]


def recorder() -> str | None:
    """Return the path of py-spy, or None when it is not installed."""
    beside = Path(sys.executable).with_name("py-spy")
    return str(beside) if beside.exists() else shutil.which("py-spy")


async def record(process: str, pid: int, seconds: float, out: Path) -> Profile:
    """Sample a process for some seconds and return its profile; `out` gets the stacks, one a line with its count.

    Raises:
        ChildProcessError: py-spy failed, for example because the system allows no tracing.
    """
    program = recorder()
    assert program is not None, "look for py-spy first"
    words = (
        "record", "--pid", str(pid), "--duration", str(max(1, round(seconds))), "--rate", str(RATE_HZ),
        "--format", "raw", "--threads", "--gil", "--nonblocking", "--output", str(out),
    )  # fmt: skip
    run = await asyncio.create_subprocess_exec(
        program, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await run.communicate()
    if run.returncode != 0:
        raise ChildProcessError(f"py-spy failed for {process}: {said.decode(errors='replace')[-500:]}")
    return profile_of(process, await asyncio.to_thread(out.read_text, "utf-8"), seconds)


def profile_of(process: str, stacks: str, seconds: float) -> Profile:
    """Return the profile of stacks in py-spy's raw format: frames from the outermost on, then the count."""
    functions: Counter[str] = Counter()
    packages: Counter[str] = Counter()
    threads: Counter[str] = Counter()
    for line in stacks.splitlines():
        stack, _, count = line.rpartition(" ")
        frames, times = stack.split(";"), int(count)
        if frames and frames[0].startswith("thread"):
            threads[thread_of(frames[0])] += times
        functions[function_of(frames[-1])] += times
        packages[package_of(frames[-1])] += times
    total = max(1, sum(functions.values()))
    busy = round(sum(functions.values()) / (RATE_HZ * max(1, round(seconds))), 3)
    return Profile(
        process, sum(functions.values()), busy, *(_shares(one, total) for one in (functions, packages, threads))
    )


def _shares(counts: Counter[str], total: int) -> dict[str, float]:
    return {name: round(count / total, 4) for name, count in counts.most_common(TOP)}


def thread_of(frame: str) -> str:
    """Return the name of a thread: `thread (0x7F): worker/trading` gives `worker/trading`."""
    _, colon, name = frame.partition(": ")
    return name.strip('"') if colon else frame


def function_of(frame: str) -> str:
    """Return a function with its file: without the directory of packages, and without the line."""
    found = FRAME.match(frame)
    return f"{found['function']} ({short(found['file'])})" if found else frame


def package_of(frame: str) -> str:
    """Return the first folder of a function's file."""
    found = FRAME.match(frame)
    if found is None:
        return frame
    file = short(found["file"])
    return file.partition("/")[0] if "/" in file else "standard library"


def short(file: str) -> str:
    """Return a file from its package on."""
    inside = SITE.sub("", file)
    for name in OURS:
        marker = f"/{name}/"
        if marker in inside:
            return f"{name}/{inside.split(marker, 1)[1]}"
    return inside
