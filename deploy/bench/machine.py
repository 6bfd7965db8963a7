"""Describe the machine of a measurement."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from deploy.server.server_binary import find_binary


def describe() -> dict[str, str]:
    """Return the date, the machine and the versions that a figure depends on."""
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": f"{os.cpu_count()} cores, {cpu_model()}, {memory_gib():.0f} GiB, "
        f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        "broker": str(find_binary()),
        "version": version("astratrade-streams"),
    }


def cpu_model() -> str:
    """Return the processor's name."""
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.is_file():
        return platform.processor()
    models = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
    return models[0] if models else platform.machine()


def memory_gib() -> float:
    """Return the machine's memory in GiB."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
