"""Processes log in one line an event, without mode's service tree unless everything is asked for."""

import logging
from collections.abc import Iterator

import pytest

from deploy.run import logs


@pytest.fixture(autouse=True)
def root_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line.partition(": ")[2] for line in capsys.readouterr().err.splitlines()]


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
    logs.configure("worker", level)
    log = logging.getLogger("faust_redis.test")
    log.info("[^--Producer]: Starting...")
    log.info("[^--Member]: Generation %d: %d partitions assigned", 2, 12)
    log.warning("Stopping...")
    assert said(capsys) == lines
