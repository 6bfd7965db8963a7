"""A Kubernetes control plane and one node, as processes of this network, mount and process namespace.

`python -m tests.cluster` makes the namespaces. When they end, the kernel ends all processes, mounts, addresses and
rules of packets with them, so nothing here removes any.
"""

# ruff: noqa: T201 - it prints its progress

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from tests.cluster import binaries
from tests.cluster.files import API_PORT, BRIDGE, ETCD_PORT, NODE, NODE_IP, SERVICES, Files
from tests.cluster.kube import Kube
from tests.e2e.waiting import eventually

UP_S = 180.0


class Machine:
    """The processes. `start` returns when the node is ready."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._began = time.monotonic()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.kube = Kube(files / "kubeconfig")

    def start(self) -> Kube:
        """Start all processes, import the images, and return the client of the cluster."""
        self._files.write()
        self._set_up_network()
        self._control_plane()
        self._containers()
        self._node()
        self.kube.run("apply", "--filename", str(self._files / "volumes.json"))
        self.say("the node is ready")
        return self.kube

    def _set_up_network(self) -> None:
        for command in (
            "ip link set lo up",
            f"ip link add {BRIDGE} type bridge",
            f"ip addr add {NODE_IP}/24 dev {BRIDGE}",
            f"ip link set {BRIDGE} up",
            f"ip route add {SERVICES} dev {BRIDGE}",
        ):
            subprocess.run(command.split(), check=True)
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1", "utf-8")

    def _control_plane(self) -> None:
        files, etcd = self._files, f"http://127.0.0.1:{ETCD_PORT}"
        self._run(
            "etcd", f"--data-dir={files / 'etcd'}", f"--listen-client-urls={etcd}", f"--advertise-client-urls={etcd}",
            "--unsafe-no-fsync",
        )  # fmt: skip
        self._run(
            "kube-apiserver", f"--etcd-servers={etcd}", f"--secure-port={API_PORT}", f"--cert-dir={files / 'certs'}",
            f"--advertise-address={NODE_IP}", f"--service-cluster-ip-range={SERVICES}", "--authorization-mode=RBAC",
            f"--token-auth-file={files / 'tokens.csv'}", "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={files / 'accounts.pub'}", "--enable-aggregator-routing=true",
            f"--service-account-signing-key-file={files / 'accounts.key'}", "--allow-privileged=true",
            "--kubelet-preferred-address-types=InternalIP",
        )  # fmt: skip
        self._wait("the API server answers", lambda: self.kube.succeeds("get", "--raw", "/readyz"))
        config = f"--kubeconfig={files / 'kubeconfig'}"
        own = (config, f"--authentication-kubeconfig={files / 'kubeconfig'}", "--leader-elect=false",
               f"--authorization-kubeconfig={files / 'kubeconfig'}", f"--cert-dir={files / 'certs'}")  # fmt: skip
        self._run(
            "kube-controller-manager", *own, f"--service-account-private-key-file={files / 'accounts.key'}",
            "--use-service-account-credentials=true", "--horizontal-pod-autoscaler-sync-period=5s",
        )  # fmt: skip
        self._run("kube-scheduler", *own)

    def _containers(self) -> None:
        self._run("containerd", f"--config={self._files / 'containerd.toml'}")
        socket = str(self._files / "containerd.sock")
        ctr = ("ctr", "--address", socket, "--namespace", "k8s.io")
        self._wait("containerd answers", lambda: _succeeds(*ctr, "version"))
        self.say("importing the images")
        for archive in sorted(self._files.folder.glob("*.tar")):
            subprocess.run([*ctr, "images", "import", str(archive)], check=True, stdout=subprocess.DEVNULL)
            archive.unlink()

    def _node(self) -> None:
        files = self._files
        self._run(
            "kubelet", f"--config={files / 'kubelet.yaml'}", f"--kubeconfig={files / 'kubeconfig'}",
            f"--root-dir={files / 'kubelet'}", f"--cert-dir={files / 'certs'}", f"--hostname-override={NODE}",
            f"--node-ip={NODE_IP}",
        )  # fmt: skip
        self._run("kube-proxy", f"--config={files / 'proxy.yaml'}")
        self._run("coredns", "-conf", str(files / "Corefile"))
        ready = ("wait", f"node/{NODE}", "--for=condition=Ready", "--timeout=2s")
        self._wait("the node is ready", lambda: self.kube.succeeds(*ready))

    def _run(self, name: str, *arguments: str) -> None:
        """Start a program; it must still run whenever something waits."""
        try:
            path = str(binaries.program(name))
        except StopIteration:
            path = name
        log: IO[bytes] = (self._files / f"{name}.log").open("wb")
        self._processes[name] = subprocess.Popen([path, *arguments], stdout=log, stderr=subprocess.STDOUT)

    def _wait(self, what: str, holds: Callable[[], bool]) -> None:
        def look() -> bool:
            for name, process in self._processes.items():
                log = (self._files / f"{name}.log").read_text("utf-8", errors="replace")
                assert process.poll() is None, f"{name} ended: {log[-2000:]}"
            return holds()

        eventually(look, within_s=UP_S, what=what)

    def say(self, what: str) -> None:
        """Print a line of progress."""
        print(f"cluster: {time.monotonic() - self._began:5.0f} s  {what}", file=sys.stderr, flush=True)


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
