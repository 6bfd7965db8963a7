"""The search for the limit."""

from tests.load.search import Judged, Limits, search


async def _searched(limit: float, *, invalid_from: float = float("inf"), steps: int = 8) -> tuple[Limits, list[float]]:
    rates: list[float] = []

    async def measure(rate: float) -> Judged:
        rates.append(rate)
        if rate >= invalid_from:
            return "invalid"
        return "good" if rate <= limit else "broken"

    return await search(measure, first=10.0, growth=2.0, steps=steps, halvings=3), rates


async def test_the_ramp_ends_at_the_first_broken_step_and_the_gap_is_halved() -> None:
    limits, rates = await _searched(50.0)
    assert rates == [10.0, 20.0, 40.0, 80.0, 60.0, 50.0, 55.0]
    assert limits == Limits(50.0, 55.0)


async def test_a_first_step_that_breaks_leaves_no_good_rate_above_its_halves() -> None:
    limits, rates = await _searched(3.0)
    assert rates == [10.0, 5.0, 2.5, 3.75]
    assert limits == Limits(2.5, 3.75)


async def test_an_invalid_step_ends_the_search_and_breaks_nothing() -> None:
    limits, rates = await _searched(1_000.0, invalid_from=40.0)
    assert rates == [10.0, 20.0, 40.0]
    assert limits == Limits(20.0, None)


async def test_a_ramp_without_a_broken_step_has_no_limit() -> None:
    limits, rates = await _searched(1_000.0, steps=3)
    assert rates == [10.0, 20.0, 40.0]
    assert limits == Limits(40.0, None)
