"""Build the product's container image from `deploy/Dockerfile`, with podman or docker.

    python3 deploy/images.py                  build, and print the image's id and size
    python3 deploy/images.py --tag NAME       name it; `astratrade:latest` is the default
    python3 deploy/images.py --check          build twice without a cache, and compare layers and settings

Where no image registry can be reached, the base image is made on this machine from Debian's packages, under the name of
the official one, and the command says so. The Dockerfile is the same. The script needs only the standard library; a
base made here also needs root, podman and mmdebstrap.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
TAG = "localhost/astratrade:latest"
BASE = "docker.io/library/python:3.11-slim"
MADE_HERE = "localhost/astratrade-debian:bookworm"
DEBIAN = "bookworm"
DEBIAN_PACKAGES = "ca-certificates,python3-minimal,python3-pip,python3-venv,libpython3-stdlib"
EPOCH_S = 1_735_689_600
"""The time of all files and of the image, 2025-01-01T00:00:00Z, so that the same sources give the same image."""
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
PULL_MAX_S = 120.0
FILES_MAX, PROCESSES_MAX = 20_000, 32_768
OUTPUT_LINES = 25
STAND_IN = f"""\
FROM {MADE_HERE}
RUN rm -f /usr/lib/python3*/EXTERNALLY-MANAGED \\
 && ln -sf /usr/bin/python3 /usr/local/bin/python && ln -sf /usr/bin/pip3 /usr/local/bin/pip
ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
CMD ["python3"]
"""


class Builder:
    """podman, or docker where there is no podman."""

    def __init__(self) -> None:
        self.name = next((name for name in ("podman", "docker") if shutil.which(name)), "")
        if not self.name:
            stop("neither podman nor docker is on PATH; install one of them")
        self._command = [self.name, *self._global_options()]

    def is_bare(self) -> bool:
        """Return whether podman runs in a machine without systemd, which is mostly a container itself."""
        return self.name == "podman" and not Path("/run/systemd/system").exists() and shutil.which("runc") is not None

    def _global_options(self) -> list[str]:
        options = ["--runtime", "runc", "--cgroup-manager", "cgroupfs", "--events-backend", "file"]
        return options if self.is_bare() else []

    def run(self, *arguments: str, timeout_s: float | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command of the builder; its output is kept."""
        return subprocess.run(
            [*self._command, *arguments],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=timeout_s,
        )  # fmt: skip

    def has(self, image: str) -> bool:
        """Return whether an image is on this machine."""
        return self.run("image", "inspect", image).returncode == 0

    def pull(self, image: str) -> bool:
        """Fetch an image; return whether that was possible."""
        try:
            return self.run("pull", "--quiet", image, timeout_s=PULL_MAX_S).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def build(self, dockerfile: Path, tag: str, *options: str, context: Path = ROOT) -> None:
        """Build an image of the files of a folder, or stop with the end of the builder's output."""
        command = ["build", "--file", str(dockerfile), "--tag", tag, *self._build_options(), *options, str(context)]
        self._or_stop(f"building {tag}", command)

    def _build_options(self) -> list[str]:
        if self.name == "docker":
            return ["--network", "host", "--build-arg", f"SOURCE_DATE_EPOCH={EPOCH_S}"]
        limits = ["--ulimit", f"nofile={FILES_MAX}:{FILES_MAX}", "--ulimit", f"nproc={PROCESSES_MAX}:{PROCESSES_MAX}"]
        options = ["--network", "host", "--format", "docker", "--timestamp", str(EPOCH_S), *limits]
        own = os.environ.get("SSL_CERT_FILE")  # a proxy with an authority of its own, for the build alone
        return [*options, "--volume", f"{own}:{CERTIFICATES}:ro"] if own else options

    def import_(self, archive: Path, tag: str) -> None:
        """Make an image of the files in an archive."""
        self._or_stop(f"importing {tag}", ["import", str(archive), tag])

    def inspect(self, image: str) -> tuple[str, int]:
        """Return the id of an image, and its size in bytes."""
        [found] = json.loads(self.run("image", "inspect", image).stdout)
        return found["Id"].removeprefix("sha256:"), int(found["Size"])

    def contents(self, image: str) -> str:
        """Return a digest of the layers and settings of an image.

        Its id would differ: podman and docker write a random id of the container that built it into the image.
        """
        [found] = json.loads(self.run("image", "inspect", image).stdout)
        whole = json.dumps([found["RootFS"], found["Config"], found["Architecture"], found["Os"]], sort_keys=True)
        return hashlib.sha256(whole.encode()).hexdigest()

    def _or_stop(self, what: str, command: Sequence[str]) -> None:
        done = self.run(*command)
        if done.returncode:
            print("\n".join(done.stdout.splitlines()[-OUTPUT_LINES:]), file=sys.stderr)
            stop(f"{what} failed; the end of the output is above")


def provide_base(builder: Builder) -> None:
    """Have the base image on this machine: fetched, or else made here."""
    if builder.has(BASE):
        say(f"the base is {BASE}, as it is on this machine")
    elif builder.pull(BASE):
        say(f"the base is {BASE}")
    else:
        make_base(builder)


def make_base(builder: Builder) -> None:
    """Make a base from Debian's packages under the name of the official image."""
    if builder.name != "podman" or not shutil.which("mmdebstrap"):
        stop(f"{BASE} cannot be fetched, and to make a base from Debian's packages podman and mmdebstrap are needed")
    say(f"no image registry has {BASE}; making a base from Debian's packages, whose Python is in /usr")
    with tempfile.TemporaryDirectory() as temporary:
        archive, dockerfile = Path(temporary) / "debian.tar", Path(temporary) / "Dockerfile"
        command = ["mmdebstrap", "--variant=minbase", f"--include={DEBIAN_PACKAGES}", DEBIAN, str(archive)]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(EPOCH_S)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            print("\n".join(done.stderr.splitlines()[-OUTPUT_LINES:]), file=sys.stderr)
            stop("mmdebstrap failed; the end of its output is above")
        builder.import_(archive, MADE_HERE)
        dockerfile.write_text(STAND_IN, "utf-8")
        builder.build(dockerfile, BASE)


def build(builder: Builder, tag: str, *options: str) -> str:
    """Build the product's image; return the digest of its contents."""
    began = time.monotonic()
    builder.build(DOCKERFILE, tag, *options)
    identity, size = builder.inspect(tag)
    say(f"{tag} is {identity[:12]}, {size / 1e6:.0f} MB, built in {time.monotonic() - began:.0f} s")
    return builder.contents(tag)


def check(builder: Builder, tag: str) -> None:
    """Build twice, each time from nothing, and stop unless both images have the same layers and settings."""
    first, second = (build(builder, tag, "--no-cache") for _ in range(2))
    if first != second:
        stop(f"the same sources gave two images, with the contents {first[:12]} and {second[:12]}")
    say(f"both images have the same layers and settings, {first[:12]}")


def say(text: str) -> None:
    """Print a line of progress."""
    print(f"images: {text}", file=sys.stderr, flush=True)


def stop(text: str) -> NoReturn:
    """Print the reason and exit."""
    say(text)
    sys.exit(1)


def main(argv: Sequence[str] | None = None) -> None:
    """Build the image."""
    parser = argparse.ArgumentParser(prog="python3 deploy/images.py", description="Build the container image.")
    parser.add_argument("--tag", default=TAG, metavar="NAME", help=f"the image's name (default: {TAG})")
    parser.add_argument("--check", action="store_true", help="build twice without a cache, and compare the images")
    arguments = parser.parse_args(argv)
    builder = Builder()
    provide_base(builder)
    if arguments.check:
        check(builder, arguments.tag)
    else:
        build(builder, arguments.tag)


if __name__ == "__main__":
    main()
