"""Check the machine and the installation. These checks start nothing and send nothing."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from faust_redis.admin.doctor import Finding, fail, ok, warn

from deploy.admin.secret import FILE as SECRET_FILE
from deploy.server.endpoint import SOCKET_PATH_BYTES_MAX
from deploy.settings import Settings

PYTHON_MIN = (3, 11)
GIB = 1024**3
DISK_WARN_BYTES = 2 * GIB
DISK_FAIL_BYTES = GIB // 5
LEASE_SHORT_MS = 3_000
FOR_OTHERS = 0o077
SOCKET_NAME_BYTES = len("/astra-12345678/s")
OVERCOMMIT = Path("/proc/sys/vm/overcommit_memory")


def machine_findings(settings: Settings) -> Iterator[Finding]:
    """Yield the findings of all checks of this module."""
    yield python()
    yield packages()
    yield data_directory(settings.data_dir)
    yield disk(settings.data_dir)
    yield secret(settings)
    yield lease(settings)
    if settings.embedded:
        yield socket_path()
        yield overcommit()


def python() -> Finding:
    """Check that the interpreter is new enough."""
    version = platform.python_version()
    if sys.version_info < PYTHON_MIN:
        return fail("python", version, "use Python 3.11 or later")
    return ok("python", version)


def packages() -> Finding:
    """Check that the installed packages have the tested versions."""
    pinned = dict(
        re.findall(r"^([\w.-]+)==(\S+)", files("deploy").joinpath("constraints.txt").read_text("utf-8"), re.MULTILINE)
    )
    pinned.pop("setuptools")  # needed to install only
    other = []
    for name, version in pinned.items():
        try:
            installed = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # belongs to an extra that is not installed; without a required package this import had failed
        if installed != version:
            other.append(f"{name} {installed} (tested: {version})")
    if other:
        return warn("packages", ", ".join(other), "pip install -c deploy/constraints.txt, or run the tests with these")
    return ok("packages", f"{len(pinned)} as tested")


def data_directory(directory: Path) -> Finding:
    """Check that the data directory can be written, and that others cannot read it."""
    place = _existing(directory)
    if not os.access(place, os.W_OK | os.X_OK):
        return fail("data directory", f"{place} cannot be written", "set ASTRA_DATA_DIR to a directory of yours")
    if directory.exists() and stat.S_IMODE(directory.stat().st_mode) & FOR_OTHERS:
        return warn("data directory", f"{directory} can be read by others", f"chmod 700 {directory}")
    return ok("data directory", str(directory))


def disk(directory: Path) -> Finding:
    """Check that the disk has room for the log."""
    free = shutil.disk_usage(_existing(directory)).free
    found = f"{free / GIB:.1f} GiB free"
    if free < DISK_FAIL_BYTES:
        return fail("disk", found, "free some: writes stop when the disk is full")
    if free < DISK_WARN_BYTES:
        return warn("disk", found, "free some, or set ASTRA_DATA_DIR to a larger disk")
    return ok("disk", found)


def secret(settings: Settings) -> Finding:
    """Check that the secret that seals the signing keys is private."""
    if settings.secret is not None:
        return ok("secret", "configured")
    file = settings.data_dir / SECRET_FILE
    if file.exists() and stat.S_IMODE(file.stat().st_mode) & FOR_OTHERS:
        return fail("secret", f"{file} can be read by others", f"chmod 600 {file}")
    if not settings.embedded:
        return warn("secret", "generated for this data directory", "set ASTRA_SECRET, equal on all machines")
    return ok("secret", "generated for this data directory")


def lease(settings: Settings) -> Finding:
    """Check that a short pause does not cost a worker its lease. The settings check that three heartbeats fit."""
    found = f"{settings.lease_ms} ms, a heartbeat each {settings.heartbeat_ms} ms"
    if settings.lease_ms < LEASE_SHORT_MS:
        return warn("lease", found, "raise ASTRA_LEASE_MS: a garbage collection or a busy disk can take a second")
    return ok("lease", found)


def socket_path() -> Finding:
    """Check that the path of the embedded server's socket is short enough."""
    length = len(tempfile.gettempdir().encode()) + SOCKET_NAME_BYTES
    found = f"{length} of {SOCKET_PATH_BYTES_MAX} bytes"
    if length > SOCKET_PATH_BYTES_MAX:
        return warn("socket path", found, "set TMPDIR to a shorter directory; until then another is used")
    return ok("socket path", found)


def overcommit() -> Finding:
    """Check that the server can rewrite its file when more than half of the memory is in use."""
    if not OVERCOMMIT.exists():
        return ok("overcommit", "not a setting of this system")
    value = OVERCOMMIT.read_text("ascii").strip()
    if value != "1":
        return warn("overcommit", f"vm.overcommit_memory={value}", "sysctl vm.overcommit_memory=1, as root")
    return ok("overcommit", "vm.overcommit_memory=1")


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path
