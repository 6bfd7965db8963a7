"""An API of external metrics: the lag of a domain in seconds, as the recording rule makes it of the gateways' metrics.

In production an adapter of Prometheus serves it. This one answers the autoscaler of the test's cluster.
"""

from __future__ import annotations

import json
import re
import ssl
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.cluster.files import NODE_IP
from tests.cluster.kube import Kube
from tests.support.certificates import Authority

GROUP, VERSION = "external.metrics.k8s.io", "v1beta1"
EXPORTED = "astra_api_lag_seconds"
METRIC = "astra:lag_seconds:max"
METRICS_PORT = 9100
PORT = 18_443

Lag = Callable[[str], float]


def lag_of(kube: Kube) -> Lag:
    """Return a function that reads the lag of a domain from the metrics of all gateways."""

    def lag(domain: str) -> float:
        found = [value for pod in kube.pods("gateway") for value in _scraped(pod["status"]["podIP"], domain)]
        return max(found, default=0.0)

    return lag


def _scraped(address: str, domain: str) -> list[float]:
    with urllib.request.urlopen(f"http://{address}:{METRICS_PORT}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    return [
        float(value) for value in re.findall(rf'^{EXPORTED}{{domain="{domain}",[^}}]*}} (\S+)$', text, re.MULTILINE)
    ]


@contextmanager
def served(kube: Kube, folder: Path) -> Iterator[None]:
    """Serve the metric while the block runs, and register it with the cluster."""
    issued = Authority(folder, "metrics").issue(NODE_IP)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    with ThreadingHTTPServer((NODE_IP, PORT), _handler(lag_of(kube))) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            kube.apply(*_registration())
            yield
        finally:
            kube.run("delete", "apiservice", f"{VERSION}.{GROUP}")
            server.shutdown()
            thread.join()


def _handler(lag: Lag) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            body = json.dumps(_values(lag, url.query) if METRIC in unquote(url.path) else _resources()).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            """Log nothing."""

    return Handler


def _values(lag: Lag, query: str) -> dict[str, Any]:
    [selector] = parse_qs(query)["labelSelector"]
    domain = selector.removeprefix("domain=")
    value = {
        "metricName": METRIC,
        "metricLabels": {"domain": domain},
        "timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "value": f"{round(lag(domain) * 1000)}m",
    }
    return {"kind": "ExternalMetricValueList", "apiVersion": f"{GROUP}/{VERSION}", "metadata": {}, "items": [value]}


def _resources() -> dict[str, Any]:
    metric = {
        "name": METRIC,
        "singularName": "",
        "namespaced": True,
        "kind": "ExternalMetricValueList",
        "verbs": ["get"],
    }
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": f"{GROUP}/{VERSION}", "resources": [metric]}


def _registration() -> list[dict[str, Any]]:
    name = {"name": "lag-metric", "namespace": "kube-system"}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": name, "spec": {"ports": [{"port": 443}]}}
    slice_ = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {**name, "labels": {"kubernetes.io/service-name": "lag-metric"}},
        "addressType": "IPv4",
        "ports": [{"port": PORT}],
        "endpoints": [{"addresses": [NODE_IP]}],
    }
    api = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": f"{VERSION}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "version": VERSION,
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "insecureSkipTLSVerify": True,
            "service": name,
        },
    }
    return [service, slice_, api]
