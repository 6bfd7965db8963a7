"""Run the Helm chart on a real Kubernetes of this machine.

    python -m tests.cluster             run the tests of this folder; further arguments are pytest's
    python -m tests.cluster --up        start the cluster, and end it at Ctrl-C

The command builds Kubernetes, Helm and CoreDNS once (some 15 minutes), devnet where it is not found, and the container
images. Then it starts a control plane and a node in namespaces of their own, and runs the tests in them. It needs root
and Debian's packages of etcd, containerd, runc and podman. Nothing is left but the cache of what it built, and the
images.
"""

# ruff: noqa: T201 - it says how to reach the cluster

import argparse
import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contracts.toolchain import tools
from deploy import images
from tests.cluster import DEVNET, NEW, OLD, PRODUCT, SERVERS, binaries
from tests.cluster.files import CNI_PROGRAMS
from tests.compose import standins
from tests.support import devnet_tool

PACKAGES = {
    "etcd": "etcd-server",
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "iptables": "iptables",
    "ip": "iproute2",
    "unshare": "util-linux",
    "podman": "podman",
}
"""The programs that come from Debian, and the package of each."""
LEFT_OUT = """\
cluster: not checked here: that NetworkPolicies hold (the bridge network does not enforce them), objects of KEDA and of
cluster: the Prometheus operator, scaling of the gateway by CPU (no metrics-server), spreading over nodes (there is one)
"""
NAMESPACES = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
DOCKERFILE = Path(__file__).with_name("Servers.Dockerfile")
TEST_MAX_S = 1_800
"""The first test also installs the product."""
PROCESSES = 20
EMPTY_S = 10.0
"""How long the kernel may take to end the processes of a killed cluster."""
CGROUPS = Path("/sys/fs/cgroup")


def missing() -> str | None:
    """Return what this machine lacks and how to get it, or None."""
    packages = {package for name, package in PACKAGES.items() if shutil.which(name) is None}
    packages |= set() if (CNI_PROGRAMS / "bridge").exists() else {"containernetworking-plugins"}
    if packages:
        return f"needs Debian's packages: apt-get install {' '.join(sorted(packages))}"
    return None if os.geteuid() == 0 else "needs root, to make namespaces and to run containers"


def save_images(folder: Path) -> None:
    """Build the images, and save them in one archive: the product's under two tags."""
    builder = images.Builder()
    images.main(["--tag", f"{PRODUCT}:{OLD}"])
    builder.build(DOCKERFILE, f"{SERVERS}:latest")
    standins.build(builder, standins.DEVNET_IMAGE, f"{DEVNET}:latest")
    builder.run("tag", f"{PRODUCT}:{OLD}", f"{PRODUCT}:{NEW}")
    names = (f"{PRODUCT}:{OLD}", f"{PRODUCT}:{NEW}", f"{SERVERS}:latest", f"{DEVNET}:latest")
    done = builder.run("save", "--multi-image-archive", "--output", str(folder / "images.tar"), *names)
    if done.returncode:
        sys.exit(done.stdout)


def give_share(group: Path) -> None:
    """Let the containers together have the CPU of `PROCESSES` processes outside of the group, not of one."""
    for name, unit in (("cpu.shares", 1024), ("cpu.weight", 100)):
        if (group / name).exists():
            (group / name).write_text(str(PROCESSES * unit), "ascii")


def remove_group(group: Path, within_s: float = EMPTY_S) -> None:
    """Remove a control group and those below it, once the processes that were killed are gone.

    Raises:
        OSError: it still has processes after that time.
    """
    end = time.monotonic() + within_s
    for path in sorted([group, *(path for path in group.rglob("*") if path.is_dir())], reverse=True):
        while True:
            try:
                path.rmdir()
                break
            except OSError as error:
                if error.errno != errno.EBUSY or time.monotonic() > end:
                    raise
                time.sleep(0.1)


@contextmanager
def folder_and_cgroup() -> Iterator[Path]:
    """Make the folder of a cluster and the control group of its containers; remove both at the end."""
    folder = Path(tempfile.mkdtemp(prefix="k8s-", dir="/tmp"))  # paths of sockets must be short
    roots = [path for path in CGROUPS.iterdir() if path.is_dir()] if (CGROUPS / "cpu").exists() else [CGROUPS]
    groups = [root / folder.name for root in roots]
    try:
        for group in groups:
            group.mkdir()
            give_share(group)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        for group in groups:
            remove_group(group)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parse = argparse.ArgumentParser(prog="python -m tests.cluster", description="Run the Helm chart on Kubernetes.")
    parse.add_argument("--up", action="store_true", help="start the cluster, and end it at Ctrl-C")
    return parse


def main(argv: list[str] | None = None) -> int:
    """Run the tests in a cluster; return the exit status."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)  # both clean up, also in the background of a shell
    arguments, pytest = parser().parse_known_args(argv)
    if lack := missing():
        sys.exit(f"cluster: {lack}")
    try:
        binaries.provide()
        tools.provide(devnet_tool.DEVNET)
    except (binaries.CannotBuildError, tools.BuildError) as exc:
        sys.exit(f"cluster: {exc}")
    print(LEFT_OUT, end="", file=sys.stderr, flush=True)
    with folder_and_cgroup() as folder:
        save_images(folder)
        own = (
            []
            if arguments.up
            else ["-n", "0", "-p", "no:randomly", "-s", "-o", f"timeout={TEST_MAX_S}", *(pytest or ["tests/cluster"])]
        )
        inside = [*NAMESPACES, sys.executable, "-m", "tests.cluster.inside", str(folder), *own]
        with subprocess.Popen(inside) as process:
            if arguments.up:
                print(f"cluster: nsenter --net --mount --pid --target $(pgrep --parent {process.pid}) bash")
                print(f"cluster: then export KUBECONFIG={folder}/kubeconfig PATH=$PATH:{binaries.path()}", flush=True)
            return _waited(process)


def _waited(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end of the cluster; end it at Ctrl-C."""
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.kill()  # and with it all that runs in its namespaces
        return 130


if __name__ == "__main__":
    sys.exit(main())
