"""The container image with nothing that it does not need: what it holds, and the demo in it."""

# ruff: noqa: T201 - it says what it measured

import contextlib
import json
import os
import secrets
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from deploy import images
from tests.images import VARIABLE

URL = "http://127.0.0.1:8000"
UP_MAX_S = 180.0
STOP_MAX_S = 30
LOOK_AGAIN_S = 0.2
XP = {"trader-1": 8_429, "trader-2": 18_148, "trader-3": 8_518}
"""What all of the packaged fills give."""

LOCKED_DOWN = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "all", "--security-opt", "no-new-privileges")


@pytest.fixture
def image() -> str:
    """Return the name of the image."""
    name = os.environ.get(VARIABLE)
    if name is None:
        pytest.skip("builds an image for minutes; runs by python -m tests.images")
    return name


@pytest.fixture
def builder() -> images.Builder:
    return images.Builder()


def test_the_image_has_a_bill_of_materials_no_compiler_and_a_user_without_rights(
    image: str, builder: images.Builder
) -> None:
    script = "id -u; for tool in gcc cc g++ make; do command -v $tool; done; cat /opt/astratrade/sbom.json"
    done = builder.run("run", "--rm", *LOCKED_DOWN, *here(builder), "--entrypoint", "sh", image, "-c", script)
    user, bill = done.stdout.split("\n", 1)
    assert user == "10001"
    assert json.loads(bill)["bomFormat"] == "CycloneDX"


def test_the_demo_runs_with_a_read_only_root_and_no_capabilities_and_ends_with_status_0(
    image: str, builder: images.Builder
) -> None:
    began = time.monotonic()
    with demo(image, builder) as name:
        ready_s = until(lambda: reads("/readyz")["status"] == "ready", began)
        visible_s = until(lambda: xp() == XP, began)
        health = builder.run("exec", name, "python", "-m", "deploy.healthcheck")
        assert health.returncode == 0, health.stdout
        print(f"ready after {ready_s:.1f} s, all fills visible after {visible_s:.1f} s, healthy")
        assert builder.run("stop", "--time", str(STOP_MAX_S), name).returncode == 0
        status = builder.run("wait", name).stdout.strip().splitlines()[-1]
        assert status == "0", builder.run("logs", name).stdout


@contextlib.contextmanager
def demo(image: str, builder: images.Builder) -> Iterator[str]:
    """Run the demo in a container; remove the container and its volume afterwards."""
    name = f"astratrade-{secrets.token_hex(4)}"
    options = ["--detach", "--name", name, "--volume", f"{name}:/data", *LOCKED_DOWN, *here(builder)]
    started = builder.run("run", *options, image, "dev", "--replay", "sample")
    try:
        assert started.returncode == 0, started.stdout
        yield name
    finally:
        builder.run("rm", "--force", name)
        builder.run("volume", "rm", name)


def here(builder: images.Builder) -> tuple[str, ...]:
    """Return the network of this machine, and what podman needs where there is no systemd."""
    files, processes = images.FILES_MAX, images.PROCESSES_MAX
    own = ("--ulimit", f"nofile={files}:{files}", "--ulimit", f"nproc={processes}:{processes}", "--no-healthcheck")
    return ("--network", "host", *(own if builder.name == "podman" else ()))


def xp() -> dict[str, int]:
    """Return the XP of the users on the board."""
    return {row["user_id"]: row["score"] for row in reads("/v1/leaderboards/xp?period=all")["rows"]}


def reads(path: str) -> Any:
    """Return the JSON that the API answers."""
    with urllib.request.urlopen(URL + path, timeout=5) as answer:
        return json.load(answer)


def until(holds: Callable[[], bool], began: float) -> float:
    """Wait until something holds; return the seconds since `began`."""
    while True:
        with contextlib.suppress(OSError):
            if holds():
                return time.monotonic() - began
        assert time.monotonic() - began < UP_MAX_S
        time.sleep(LOOK_AGAIN_S)
