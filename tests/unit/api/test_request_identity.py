"""Each request has an id and a place in a trace: the client's when they are valid, else new ones."""

from __future__ import annotations

import asyncio
import logging
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.kit.request_identity import REQUEST_ID_CHARS_MAX, current, name_request, trace_of
from deploy.run import logs
from deploy.run.api import request_context
from deploy.settings import Settings

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
OURS = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-(00|01)")


def parts_of(traceparent: str) -> tuple[str, str, str]:
    match = OURS.fullmatch(traceparent)
    assert match
    trace, span, flags = match.groups()
    return trace, span, flags


@pytest.mark.parametrize(
    ("header", "flags"),
    [
        (f"00-{TRACE}-{SPAN}-01", "01"),
        (f"00-{TRACE}-{SPAN}-00", "00"),
        (f"00-{TRACE}-{SPAN}-03", "01"),  # of the flags, version 00 knows `sampled` only
        (f"00-{TRACE}-{SPAN}-fe", "00"),
        (f"01-{TRACE}-{SPAN}-01", "01"),  # a later version is read by the fields of version 00
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be", "01"),
    ],
)
def test_a_valid_traceparent_is_continued_with_its_sampled_flag_and_a_span_of_this_request(
    header: str, flags: str
) -> None:
    trace, span, kept = parts_of(name_request([(b"traceparent", header.encode())]).traceparent)
    assert (trace, kept) == (TRACE, flags)
    assert span != SPAN


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00",
        f"ff-{TRACE}-{SPAN}-01",
        f"0-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",  # version 00 has four fields
        f"01-{TRACE}-{SPAN}-01more",
        f"00-{TRACE}-{SPAN}-01\n",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN[1:]}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-0X",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}-01, 00-{TRACE}-{SPAN}-01",
    ],
)
def test_an_invalid_traceparent_begins_a_new_trace_that_is_not_sampled(header: str) -> None:
    assert trace_of(header.encode()) is None
    trace, _, flags = parts_of(name_request([(b"traceparent", header.encode())]).traceparent)
    assert trace != TRACE
    assert flags == "00"


def test_two_traceparents_are_none() -> None:
    twice = [(b"traceparent", f"00-{TRACE}-{SPAN}-01".encode())] * 2
    assert parts_of(name_request(twice).traceparent)[0] != TRACE


@given(st.binary(max_size=80))
def test_any_header_gives_a_valid_identity(header: bytes) -> None:
    identity = name_request([(b"traceparent", header), (b"x-request-id", header)])
    parts_of(identity.traceparent)
    assert re.fullmatch(r"[A-Za-z0-9._:-]{1,128}", identity.request_id)


def test_new_identities_differ() -> None:
    made = [name_request([]) for _ in range(1_000)]
    assert len({identity.request_id for identity in made}) == len({parts_of(i.traceparent)[0] for i in made}) == 1_000


@pytest.mark.parametrize("given_id", ["a", "0192f7c4-5d6e-7a10-8f00-1b2c3d4e5f60", "x" * REQUEST_ID_CHARS_MAX])
def test_the_clients_request_id_is_kept(given_id: str) -> None:
    assert name_request([(b"x-request-id", given_id.encode())]).request_id == given_id


@pytest.mark.parametrize("given_id", ["", "a b", "a\n2026-11-29 forged line", "ü", "x" * (REQUEST_ID_CHARS_MAX + 1)])
def test_another_text_is_replaced(given_id: str) -> None:
    assert re.fullmatch("[0-9a-f]{16}", name_request([(b"x-request-id", given_id.encode())]).request_id)


def test_each_log_line_of_a_request_ends_with_its_id(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    logs.configure(Settings(), "api", context=request_context)

    async def serve(name: str) -> None:
        current.set(name_request([(b"x-request-id", name.encode())]))
        await asyncio.sleep(0)
        logging.getLogger("api.test").info("served")

    async def both() -> None:
        await asyncio.gather(asyncio.create_task(serve("one")), asyncio.create_task(serve("two")))
        logging.getLogger("api.test").info("nothing")

    asyncio.run(both())
    root.handlers[:] = handlers
    root.setLevel(level)
    ends = [line.partition("api.test: ")[2] for line in capsys.readouterr().err.splitlines()]
    assert ends == ["served [X-Request-Id one]", "served [X-Request-Id two]", "nothing"]
