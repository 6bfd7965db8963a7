"""The configuration files of a control plane and a node that live in one network namespace."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.cluster import SERVERS

NODE = "node1"
NODE_IP = "10.244.0.1"
PODS = "10.244.0.0/24"
SERVICES = "10.96.0.0/16"
BRIDGE = "cni0"
API_PORT, ETCD_PORT = 6443, 2379
CNI_PROGRAMS = Path("/usr/lib/cni")
VOLUMES = 12

CONTAINERD = """\
version = 2
root = "{here}/containerd"
state = "{here}/containerd-state"
oom_score = 0
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing",
]
[grpc]
address = "{here}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{pause}"
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
default_runtime_name = "runc"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{cni}"
conf_dir = "{here}/cni"
"""

COREFILE = """\
.:53 {{
  bind {address}
  errors
  cache 5
  kubernetes cluster.local in-addr.arpa {{
    kubeconfig {here}/kubeconfig
    pods disabled
    ttl 5
  }}
}}
"""


class Files:
    """The files of one cluster in a folder. No other cluster can reach its addresses, so one token has all rights."""

    def __init__(self, folder: Path, cgroup: str) -> None:
        self.folder = folder
        self._cgroup = cgroup
        self._token = secrets.token_hex(16)

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    def write(self) -> None:
        """Write all files."""
        self._write("tokens.csv", f"{self._token},admin,admin,system:masters\n")
        self._json("kubeconfig", self._kubeconfig())
        self._json("cni/10-bridge.conflist", self._network())
        self._json("kubelet.yaml", self._kubelet())
        self._json("proxy.yaml", self._proxy())
        self._write("containerd.toml", CONTAINERD.format(here=self.folder, cni=CNI_PROGRAMS, pause=f"{SERVERS}:latest"))
        self._write("Corefile", COREFILE.format(here=self.folder, address=NODE_IP))
        self._json("volumes.json", {"apiVersion": "v1", "kind": "List", "items": self._volumes()})
        self._write_keys()

    def _write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    def _json(self, name: str, content: dict[str, Any]) -> None:
        self._write(name, json.dumps(content, indent=1))

    def _write_keys(self) -> None:
        """Write the pair of keys that signs the tokens of service accounts."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = serialization.Encoding.PEM
        private = key.private_bytes(pem, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
        public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
        self._write("accounts.key", private.decode())
        self._write("accounts.pub", public.decode())

    def _kubeconfig(self) -> dict[str, Any]:
        cluster = {"server": f"https://127.0.0.1:{API_PORT}", "insecure-skip-tls-verify": True}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "here", "cluster": cluster}],
            "users": [{"name": "admin", "user": {"token": self._token}}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "admin"}}],
            "current-context": "here",
        }

    def _network(self) -> dict[str, Any]:
        bridge = {
            "type": "bridge",
            "bridge": BRIDGE,
            "isGateway": True,
            "hairpinMode": True,
            "ipam": {
                "type": "host-local",
                "ranges": [[{"subnet": PODS}]],
                "routes": [{"dst": "0.0.0.0/0"}],
                "dataDir": str(self.folder / "addresses"),
            },
        }
        return {"cniVersion": "0.4.0", "name": "pods", "plugins": [bridge]}

    def _kubelet(self) -> dict[str, Any]:
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": NODE_IP,
            "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
            "authorization": {"mode": "AlwaysAllow"},
            "containerRuntimeEndpoint": f"unix://{self.folder}/containerd.sock",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": self._cgroup,
            "enforceNodeAllocatable": [],
            "oomScoreAdj": 0,
            "failSwapOn": False,
            "resolvConf": "",
            "clusterDNS": [NODE_IP],
            "clusterDomain": "cluster.local",
            "evictionHard": {"memory.available": "100Mi"},
            "imageGCHighThresholdPercent": 100,
            "nodeStatusUpdateFrequency": "5s",
            "podLogsDir": f"{self.folder}/pod-logs",
        }

    def _proxy(self) -> dict[str, Any]:
        return {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "bindAddress": "127.0.0.1",
            "clientConnection": {"kubeconfig": f"{self.folder}/kubeconfig"},
            "mode": "iptables",
            "clusterCIDR": PODS,
            "hostnameOverride": NODE,
            "iptables": {"masqueradeAll": True, "localhostNodePorts": True, "minSyncPeriod": "0.2s"},
            "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        }

    def _volumes(self) -> list[dict[str, Any]]:
        """Return the storage class of claims, and a folder of this machine for each of some claims."""
        default = {"storageclass.kubernetes.io/is-default-class": "true"}
        storage = {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": "folders", "annotations": default},
            "provisioner": "kubernetes.io/no-provisioner",
        }
        return [storage, *(self._volume(number) for number in range(VOLUMES))]

    def _volume(self, number: int) -> dict[str, Any]:
        path = self.folder / "volumes" / str(number)
        path.mkdir(parents=True)
        path.chmod(0o777)  # for the users of any container
        spec = {
            "capacity": {"storage": "4Gi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "folders",
            "hostPath": {"path": str(path)},
        }
        return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": f"folder-{number}"}, "spec": spec}
