"""What the figures were measured on."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

from deploy.binary import find_binary

PACKAGES = ("faust-streaming", "redis", "hiredis", "rocksdict", "fastapi", "uvicorn", "orjson")


def describe_machine() -> str:
    """Cores, CPU, Python, server and libraries, one per line."""
    return "\n".join(
        (
            f"machine   {os.cpu_count()} cores, {cpu_model()}, {platform.system()} {platform.release()}",
            f"python    {platform.python_version()} ({platform.python_implementation()})",
            f"server    {find_binary()}",
            "libraries " + ", ".join(f"{name} {version(name)}" for name in PACKAGES),
        )
    )


def cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.is_file():
        return platform.processor()
    models = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
    return models[0] if models else platform.machine()


def cpu_seconds(pid: int) -> float:
    """User and system seconds of a process so far (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
