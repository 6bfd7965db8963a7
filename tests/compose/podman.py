"""The command that brings up a compose file, and what podman needs for it. Uses only the standard library."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from deploy import images

COMPOSE = images.ROOT / "deploy" / "compose.yaml"
PODMAN_COMPOSE = "podman-compose==1.6.0"
"""Its licence is the GPL, so it is in no lock and in no environment of the product."""

LIMITS = f"""\
[containers]
default_ulimits = [
  "nofile={images.FILES_MAX}:{images.FILES_MAX}",
  "nproc={images.PROCESSES_MAX}:{images.PROCESSES_MAX}",
]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""
"""What podman needs in a machine without systemd, which is mostly a container itself."""


def cache() -> Path:
    """Return the folder that keeps the command and the settings of running containers."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(home) / "astratrade-compose"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def command(builder: images.Builder) -> list[str]:
    """Return the command for compose files: the one on PATH, or else podman-compose in a folder of its own."""
    if builder.name == "docker":
        return ["docker", "compose"]
    return [shutil.which("podman-compose") or _installed()]


def _installed() -> str:
    """Install podman-compose outside of all environments of the product; return its path."""
    folder = cache() / PODMAN_COMPOSE.replace("==", "-")
    program = folder / "bin" / "podman-compose"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(folder / "bin" / "pip"), "install", "--quiet", PODMAN_COMPOSE], check=True)
    return str(program)


def environment(builder: images.Builder) -> dict[str, str]:
    """Return the variables of the command. Its settings are a file that stays, for podman's own restarts read it."""
    if not builder.is_bare():
        return {**os.environ}
    settings = cache() / "containers.conf"
    settings.write_text(LIMITS, "utf-8")
    return {**os.environ, "CONTAINERS_CONF": str(settings)}


def say(text: str) -> None:
    """Print a line of progress."""
    print(f"compose: {text}", file=sys.stderr, flush=True)  # noqa: T201 - its purpose is to print
