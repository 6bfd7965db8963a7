"""Processes log in one line an event, for a person or as JSON, and name no user."""

from __future__ import annotations

import ast
import json
import logging
import re
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from deploy.run import logs
from deploy.run.log_context import PEOPLE, WorkerContext
from deploy.run.logs import Context, JsonFormatter, Pseudonyms
from deploy.settings import Settings
from streams import events
from streams.events import encode
from streams.handling import BATCH, DOMAIN
from tests.unit.streams.test_lineage import REQUEST

KEY = "k" * 32
USERS = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._:-]{7,63}\Z")
ANY_TEXT = st.text(st.characters(codec=None))


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, hooks = list(root.handlers), root.level, (sys.excepthook, threading.excepthook)
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    sys.excepthook, threading.excepthook = hooks


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line.partition(": ")[2] for line in capsys.readouterr().err.splitlines()]


def objects(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def as_json() -> Settings:
    return Settings(log_format="json", log_key=SecretStr(KEY))


@pytest.mark.parametrize(
    ("level", "lines"),
    [
        ("info", ["Generation 2: 12 partitions assigned", "Stopping..."]),
        ("warning", ["Stopping..."]),
        ("debug", ["[^--Producer]: Starting...", "[^--Member]: Generation 2: 12 partitions assigned", "Stopping..."]),
    ],
)
def test_the_service_tree_is_shown_only_on_request(
    level: str, lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(Settings().model_copy(update={"log_level": level}), "worker")
    log = logging.getLogger("faust_redis.test")
    log.info("[^--Producer]: Starting...")
    log.info("[^--Member]: Generation %d: %d partitions assigned", 2, 12)
    log.warning("Stopping...")
    assert said(capsys) == lines


@given(
    texts=st.tuples(ANY_TEXT, ANY_TEXT), user=USERS, other=USERS, created=st.floats(0, 4_000_000_000),
    failed=st.booleans(),
)  # fmt: skip
def test_each_json_line_is_one_object_with_the_fields_and_without_a_name(
    texts: tuple[str, str], user: str, other: str, created: float, *, failed: bool
) -> None:
    context = Context({"domain": "trading", "partition": 3}, user, (other,))
    formatter = JsonFormatter("worker", Pseudonyms(KEY), lambda: context)
    text = texts[0].replace("%", "%%") + " of %s and %s: %s"
    error = (ValueError, ValueError(f"{other!r} owes {user!r}"), None) if failed else None
    record = logging.LogRecord("a.logger", logging.ERROR, "", 0, text, (user, other, texts[1]), error)
    record.created = created
    line = formatter.format(record)
    assert "\n" not in line
    found = json.loads(line)
    assert list(found)[:7] == ["time", "level", "service", "logger", "message", "domain", "partition"]
    assert set(found) == {*list(found)[:7], "user", *(["exception"] if failed else [])}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found["time"])
    assert abs(datetime.fromisoformat(found["time"]).timestamp() - created) <= timedelta(milliseconds=1).total_seconds()
    assert found["user"] == Pseudonyms(KEY).of(user)
    for name_of_user in (user, other):
        alone = rf"(?<![\w-]){re.escape(name_of_user)}(?![\w-])"
        assert not re.search(alone, found["message"])
        assert not re.search(alone, found.get("exception", ""))
    found["message"].encode()  # UTF-8 has all of it


def test_a_name_has_one_digest_for_each_key() -> None:
    assert Pseudonyms(KEY).of("alice") == Pseudonyms(KEY).of("alice") != Pseudonyms(KEY).of("bob")
    assert Pseudonyms(KEY).of("alice") != Pseudonyms("j" * 32).of("alice")
    assert Pseudonyms(None).of("alice") != Pseudonyms(None).of("alice")


def test_a_name_that_is_a_part_of_another_name_hides_neither_wrongly() -> None:
    pseudonyms = Pseudonyms(KEY)
    hidden = pseudonyms.hide("ada.lovelace met ada, not ada-2", {"ada", "ada.lovelace"})
    assert hidden == f"user-{pseudonyms.of('ada.lovelace')} met user-{pseudonyms.of('ada')}, not ada-2"


class Batch:
    """A batch of records of one partition."""

    topic, partition = "astra.trading.commands.v1", 2

    def __init__(self, *values: bytes | None) -> None:
        self.values = values

    def __getitem__(self, index: int) -> Batch:
        self.offset = 17 + index
        return self


def line_of(batch: Batch, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    logs.configure(as_json(), "worker", context=WorkerContext("worker-1", "astratrade"))
    domain, handled = DOMAIN.set("trading"), BATCH.set(batch)
    logging.getLogger("test").error("%s failed", REQUEST.partitionkey)
    DOMAIN.reset(domain)
    BATCH.reset(handled)
    [line] = objects(capsys)
    return line


def test_a_line_about_one_record_names_its_event_trace_and_user(capsys: pytest.CaptureFixture[str]) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    event = REQUEST.under(1)
    raw = encode(event).replace(b'"data":', f'"traceparent":"00-{trace}-00f067aa0ba902b7-01","data":'.encode())
    line = line_of(Batch(raw), capsys)
    digest = Pseudonyms(KEY).of(event.partitionkey)
    del line["time"]
    assert line == {
        "level": "error", "service": "worker", "logger": "test", "message": f"user-{digest} failed",
        "slot": "worker-1", "domain": "trading", "group": "astratrade-trading", "topic": Batch.topic, "partition": 2,
        "offset": 17, "event_id": event.id, "trace_id": trace, "user": digest,
    }  # fmt: skip


@pytest.mark.parametrize("values", [(None,), (b"",), (b"no JSON",), (b"[]",), (b'{"data":1}',), (b"{}", b"{}")])
def test_a_line_about_no_event_or_several_names_the_place_alone(
    values: tuple[bytes | None, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    line = line_of(Batch(*values), capsys)
    assert line["offset"] == 17
    assert not {"event_id", "trace_id", "user"} & set(line)


@pytest.mark.parametrize("value", [5, True, None, 1.5, "bob", ["bob", 5, None], {"bob": 1}, [["x"], {"y": 1}], {}])
@pytest.mark.parametrize("name", ["members", "user_id", "market"])
def test_a_line_about_a_damaged_event_is_written_whatever_its_fields_hold(
    name: str, value: object, capsys: pytest.CaptureFixture[str]
) -> None:
    line = line_of(Batch(json.dumps({"id": 3, "partitionkey": "ada", "data": {name: value}}).encode()), capsys)
    assert line["event_id"] == "3"
    assert "failed" in str(line["message"])


@pytest.mark.parametrize("value", ["bob-the-user", ["bob-the-user", 5], {"bob-the-user": 1}])
def test_a_damaged_event_still_names_the_users_to_hide(value: object) -> None:
    handled = BATCH.set(Batch(json.dumps({"data": {"members": value}}).encode()))
    assert "bob-the-user" in WorkerContext("worker-1", "astratrade")().people
    BATCH.reset(handled)


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_line_whose_context_fails_is_written_without_its_arguments(
    form: Literal["json", "console"], capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> Context:
        raise TypeError("not iterable")

    logs.configure(as_json().model_copy(update={"log_format": form}), "worker", context=fails)
    try:
        int("bob")
    except ValueError:
        logging.getLogger("test").exception("the record of %s became a dead letter", "bob")
    error = capsys.readouterr().err
    [line] = error.splitlines()
    assert "became a dead letter" in line
    assert "bob" not in line
    assert form == "console" or json.loads(line)["context_error"] == "TypeError"


def test_every_field_of_an_event_that_holds_users_is_known() -> None:
    fields = set()
    for path in Path(events.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.AnnAssign) and "UserId" in ast.unparse(node.annotation):
                fields.add(ast.unparse(node.target))
    assert fields == PEOPLE


@pytest.mark.parametrize("fail", [
    lambda: sys.excepthook(ValueError, ValueError("why"), None),
    lambda: logs.say_failed(ValueError("why")),
])  # fmt: skip
def test_the_end_of_a_process_by_an_error_is_a_line_too(
    fail: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(as_json(), "api")
    fail()
    [line] = objects(capsys)
    assert line["level"] == "critical"
    assert "why" in str(line)


def test_a_person_reads_why_a_command_ends(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Settings(), "api")
    logs.say_failed(ValueError("why"))
    assert capsys.readouterr().err == "astratrade: why\n"
