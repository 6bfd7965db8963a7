"""The replay client against an HTTP server that refuses, hangs up, and answers late, as real servers do."""

import json
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from astratrade_client import FixedToken

from deploy.errors import DeployError
from deploy.replay.fills import FillsFile
from deploy.replay.ingress import Ingress, IngressError, NotYetVisibleError
from deploy.replay.progress import ProgressFile
from deploy.replay.run import Pace, PostedCommands
from deploy.server.address import api_url, free_port
from deploy.settings import Settings

Answer = tuple[int, dict[str, str], Any]
ACCEPTED: Answer = (202, {}, {"position": "t@e:0-1"})


def problem(status: int, *faults: dict[str, str], **headers: str) -> Answer:
    return status, headers, {"type": "/problems/x", "title": "T", "status": status, "detail": "D", "errors": [*faults]}


@dataclass
class Script:
    """A server's answers in order, and the requests that it received."""

    url: str = ""
    answers: list[Answer | None] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def script() -> Iterator[Script]:
    plan = Script()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            plan.asked.append((self.command, self.path, dict(self.headers), body))
            answer = plan.answers.pop(0)
            if answer is None:
                self.connection.close()  # The server hangs up without an answer.
                return
            status, headers, document = answer
            content = json.dumps(document).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = handle_any

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        plan.url = f"http://127.0.0.1:{server.server_port}"
        yield plan
        server.shutdown()
        thread.join()


@pytest.fixture
def printed() -> list[str]:
    return []


@pytest.fixture
async def ingress(script: Script, printed: list[str]) -> AsyncIterator[Ingress]:
    async with Ingress(script.url, FixedToken("a-token"), printed.append) as client:
        yield client


async def test_a_batch_is_posted_under_its_key_with_the_token(script: Script, ingress: Ingress) -> None:
    script.answers = [ACCEPTED]
    assert await ingress.report_fills("d-2-3", [{"fill_id": "d-2"}]) == {"position": "t@e:0-1"}
    [(method, path, headers, body)] = script.asked
    assert (method, path) == ("POST", "/v1/fills")
    assert headers["Idempotency-Key"] == "d-2-3"
    assert headers["Authorization"] == "Bearer a-token"
    assert json.loads(body) == {"fills": [{"fill_id": "d-2"}]}


async def test_an_unanswered_request_is_repeated_unchanged(
    script: Script, ingress: Ingress, printed: list[str]
) -> None:
    script.answers = [None, problem(503, **{"Retry-After": "0"}), ACCEPTED]
    await ingress.report_fills("d-2-3", [{"fill_id": "d-2"}])
    assert len(script.asked) == 3
    assert len({(headers["Idempotency-Key"], body) for _, _, headers, body in script.asked}) == 1
    assert printed[0] == f"waiting for the API at {script.url}; start `astratrade dev`, or give --url"
    assert printed[1].startswith(f"no answer from {script.url}")
    assert printed[2] == "503 T: D; again in 0 s"


async def test_an_api_that_does_not_answer_is_waited_for_with_one_hint(
    script: Script, ingress: Ingress, printed: list[str]
) -> None:
    script.answers = [problem(503, **{"Retry-After": "0"}), None, None, ACCEPTED]
    await ingress.report_fills("d-2-3", [{"fill_id": "d-2"}])
    assert [line.partition(" ")[0] for line in printed] == ["503", "waiting", "no", "no"]


async def test_a_refusal_is_not_repeated_and_says_why(script: Script, ingress: Ingress) -> None:
    fault = {"pointer": "#/fills/0/price", "detail": "must be greater than 0"}
    script.answers = [problem(422, fault)]
    with pytest.raises(IngressError, match=r"refused: 422 T: D; #/fills/0/price: must be greater than 0"):
        await ingress.report_fills("k", [])


async def test_something_else_behind_the_url_is_noticed(script: Script, ingress: Ingress) -> None:
    script.answers = [(200, {}, "hello")]
    with pytest.raises(IngressError, match="does not answer as the AstraTrade API does"):
        await ingress.get("/v1/stats")


async def test_a_table_that_has_not_caught_up_is_reported_with_its_backlog(script: Script, ingress: Ingress) -> None:
    late = problem(504)
    script.answers = [(504, {}, {**late[2], "type": "/problems/not-yet-visible", "behind": 12})]
    with pytest.raises(NotYetVisibleError) as raised:
        await ingress.get("/v1/fees", after="t@e:0-1")
    assert raised.value.behind == 12


async def test_a_query_is_repeated_until_its_answer_shows_the_position(script: Script, ingress: Ingress) -> None:
    late = problem(504)[2] | {"type": "/problems/not-yet-visible", "behind": 12}
    script.answers = [(504, {}, late), (200, {}, {"prices": []})]
    assert await ingress.get_after("t@e:0-1", "/v1/prices") == {"prices": []}
    assert [path for _, path, _, _ in script.asked] == ["/v1/prices?after=t%40e%3A0-1&wait_ms=5000"] * 2


def test_positions_of_many_answers_become_one() -> None:
    commands = PostedCommands()
    for text in ("t@e:0-3.1-7", "t@e:0-5", "t@e:2-1.1-6"):
        commands.add(text)
    assert str(commands.position) == "t@e:0-5.1-7.2-1"
    with pytest.raises(DeployError, match="re-created"):
        commands.add("t@f:0-1")


def test_the_pace_is_kept() -> None:
    assert Pace(100, 50.0).pause_s(sent=100, elapsed_s=0.5) == 1.5
    assert Pace(100, 50.0).pause_s(sent=100, elapsed_s=9.0) == 0.0
    assert Pace(100).pause_s(sent=100, elapsed_s=0.0) == 0.0


def test_progress_is_kept_for_each_file_and_api(tmp_path: Path) -> None:
    ProgressFile(tmp_path, "d1", "http://a").note(600)
    assert ProgressFile(tmp_path, "d1", "http://a").sent() == 600
    assert ProgressFile(tmp_path, "d1", "http://b").sent() == 0
    assert ProgressFile(tmp_path, "d2", "http://a").sent() == 0


def test_an_empty_file_has_no_batches(tmp_path: Path) -> None:
    assert list(FillsFile(tmp_path, "d", ()).batches(10)) == []


@pytest.mark.parametrize(
    ("host", "url"), [("0.0.0.0", "http://127.0.0.1:8000"), ("::1", "http://[::1]:8000"), ("h", "http://h:8000")]
)
def test_the_api_is_reached_where_it_listens(host: str, url: str) -> None:
    assert api_url(Settings(api_host=host)) == url


def test_a_port_in_use_is_reported(script: Script) -> None:
    port = int(script.url.rpartition(":")[2])
    with pytest.raises(DeployError, match=f"cannot listen on 127.0.0.1:{port} .*--port"):
        free_port("127.0.0.1", port)
    assert free_port("127.0.0.1", 0) > 0
