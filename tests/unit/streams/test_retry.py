"""Work is repeated while something is away: the outage is logged once, and each refusal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from streams import retry
from streams.retry import first_line, retry_through_outages


def failing(*failures: Exception) -> Callable[[], Awaitable[None]]:
    """Return work that fails with each of these errors, and then succeeds."""
    left = list(failures)

    async def work() -> None:
        if left:
            raise left.pop(0)

    return work


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the list of pauses, none of which takes time."""
    found: list[float] = []

    async def sleep(seconds: float) -> None:
        found.append(seconds)

    monkeypatch.setattr("streams.retry.asyncio.sleep", sleep)
    return found


async def test_an_outage_is_logged_once_and_pauses_double(
    pauses: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    await retry_through_outages(failing(*[OSError("away\nand more")] * 7), "copying", (OSError,))
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]
    assert [record.getMessage() for record in caplog.records] == ["copying waits: away"]


async def test_work_that_went_well_for_a_while_begins_its_pauses_anew(
    pauses: list[float], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "STEADY_S", -1.0)
    await retry_through_outages(failing(OSError("a"), OSError("b")), "copying", (OSError,))
    assert pauses == [0.1, 0.1]
    assert len(caplog.records) == 2


async def test_each_refusal_is_logged_and_followed_by_the_longest_pause(
    pauses: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    await retry_through_outages(failing(KeyError("x"), KeyError("y")), "copying", (OSError,), refused=(KeyError,))
    assert pauses == [2.0, 2.0]
    assert [record.getMessage() for record in caplog.records] == [
        "copying was refused and retries later: 'x'",
        "copying was refused and retries later: 'y'",
    ]


async def test_another_error_ends_the_work(pauses: list[float]) -> None:
    with pytest.raises(ZeroDivisionError):
        await retry_through_outages(failing(ZeroDivisionError()), "copying", (OSError,))
    assert pauses == []


def test_an_error_without_text_is_named_by_its_class() -> None:
    assert (first_line(OSError()), first_line(OSError("\n one \n two"))) == ("OSError", "one ")
