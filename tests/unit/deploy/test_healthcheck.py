"""The health check of containers, against real sockets."""

import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from deploy import healthcheck
from tests.ports import free_port
from tests.source import ROOT


@contextmanager
def service(status: int, body: bytes = b"{}") -> Iterator[str]:
    """Serve `/livez` with a status; yield the port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/livez" else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield str(server.server_port)
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(autouse=True)
def no_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in healthcheck.PORTS:
        monkeypatch.delenv(name, raising=False)


def test_a_container_lives_while_each_of_its_services_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ASTRA_CLOCK_PORT", str(free_port()))  # no service has it
    with service(200) as api, service(200) as worker:
        monkeypatch.setenv("ASTRA_METRICS_PORT", api)
        monkeypatch.setenv("ASTRA_WORKER_PORT", worker)
        assert healthcheck.main() == 0
    with service(200) as api, service(503, b'{"stuck":["trading"]}') as worker:
        monkeypatch.setenv("ASTRA_METRICS_PORT", api)
        monkeypatch.setenv("ASTRA_WORKER_PORT", worker)
        assert healthcheck.main() == 1
    assert capsys.readouterr().out == f'up\nport {worker} answers 503: {{"stuck":["trading"]}}\n'


def test_a_container_whose_service_has_no_port_open_does_not_live(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ASTRA_RELAY_PORT", str(free_port()))
    assert healthcheck.main() == 1
    assert capsys.readouterr().out == "no service of this container has its port open\n"


def test_the_check_imports_the_standard_library_only() -> None:
    code = "import sys; before = set(sys.modules); import deploy.healthcheck; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    roots = {name.partition(".")[0] for name in done.stdout.split()}
    assert roots <= {"deploy", *sys.stdlib_module_names}
