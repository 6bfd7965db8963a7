"""Scores, prizes and digests of battles as pure functions."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.rulebook import RulebookError, packaged_rulebook, packaged_text, parse_rulebook
from agents.social.battles.scores import LIMIT, Points, digest_of, prizes, score_of, shares, side_score
from streams.units import USD_UNIT, Usd

POLICY = packaged_rulebook().social.battles
RULES = POLICY.score
POINTS = st.builds(
    lambda pnl, closes, wins, trades: Points(pnl, closes, min(wins, closes), max(closes, trades)),
    st.integers(-(10**15), 10**15),
    st.integers(0, 50),
    st.integers(0, 50),
    st.integers(0, 60),
)


@pytest.mark.parametrize(
    ("points", "kind", "score"),
    [
        (("250.00", 4, 3, 5), "trading_duel", "375.00"),  # 250 + 75 + 50
        (("250.00", 4, 3, 5), "stellar_supremacy", "300.00"),
        (("250.00", 4, 3, 5), "cosmic_conquest", "450.00"),
        (("0", 0, 0, 30), "trading_duel", "200.00"),  # trades count 200 at most
        (("-500.00", 1, 0, 1), "trading_duel", "0.00"),
        (("0", 3, 1, 3), "trading_duel", "63.33333333"),  # 100/3 + 30, rounded down
    ],
)
def test_the_score_of_a_battle(points: tuple[str, int, int, int], kind: str, score: str) -> None:
    pnl, closes, wins, trades = points
    summed = Points(Usd.parse(pnl), closes, wins, trades)
    assert Usd(side_score(summed, RULES, kind)).text() == score  # type: ignore[arg-type]


@given(POINTS)
def test_a_score_is_the_exact_fraction_rounded_down_once(points: Points) -> None:
    rate = Fraction(points.wins, points.closes) if points.closes else Fraction(0)
    exact = Fraction(points.pnl, USD_UNIT) + 100 * rate + min(10 * points.trades, 200)
    for kind, factor in (("trading_duel", Fraction(1)), ("cosmic_conquest", Fraction(6, 5))):
        expected = max(Fraction(0), exact) * factor * USD_UNIT
        assert side_score(points, RULES, kind) == expected.numerator // expected.denominator  # type: ignore[arg-type]


def test_a_score_fits_an_event() -> None:
    assert score_of(Points(10**25, 1, 1, 1), RULES) == LIMIT
    assert Usd.parse(Usd(LIMIT).text()) == LIMIT


def test_the_pool_is_divided_80_to_20_and_a_tie_50_to_50() -> None:
    assert shares(2, 1, POLICY.prizes) == (800, 200)
    assert shares(1, 2, POLICY.prizes) == (200, 800)
    assert shares(1, 1, POLICY.prizes) == (500, 500)


def test_a_sides_share_is_divided_by_contribution_and_the_first_gets_the_remainder() -> None:
    of = {
        "ada": Points(Usd.of(90), 0, 0, 1),
        "bob": Points(Usd.of(90), 0, 0, 1),
        "cyd": Points(Usd.of(90), 0, 0, 1),
        "dan": Points(Usd.of(-500), 1, 0, 1),
    }
    assert prizes(200, of, RULES) == {"ada": 68, "bob": 66, "cyd": 66}
    assert prizes(200, {"ada": Points(0, 0, 0, 0)}, RULES) == {}


@given(st.integers(0, 10_000), st.dictionaries(st.sampled_from("abcdefgh"), POINTS))
def test_prizes_add_up_to_the_share_exactly(share: int, members: dict[str, Points]) -> None:
    paid = prizes(share, members, RULES)
    contributed = any(score_of(points, RULES) for points in members.values())
    assert sum(paid.values()) == (share if contributed else 0)
    assert all(prize > 0 for prize in paid.values())


def test_the_digest_depends_on_every_number_of_every_entry_and_on_no_order() -> None:
    lines = [("challenger", "ada", Points(1, 2, 1, 3), 5), ("defender", "eve", Points(0, 0, 0, 0), 0)]
    sealed = digest_of(lines)
    assert digest_of(reversed(lines)) == sealed
    for changed in (Points(2, 2, 1, 3), Points(1, 3, 1, 3), Points(1, 2, 2, 3), Points(1, 2, 1, 4)):
        assert digest_of([(*lines[0][:2], changed, 5), lines[1]]) != sealed
    assert digest_of([("defender", *lines[0][1:]), lines[1]]) != sealed
    assert digest_of([(*lines[0][:3], 6), lines[1]]) != sealed


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("pool_ss = 1000", "pool_ss = 1003", "social.battles.prizes: pool_ss: expected a pool whose shares are whole"),
        ("hours_default = 24", "hours_default = 169", "social.battles.hours_default: "),
        ("members_default = 50", "members_default = 201", "social.constellations.members_default: "),
        ("trading_duel = 1_000_000\n", "", "social.battles.score: kinds_ppm: expected a factor for trading_duel"),
    ],
)
def test_a_wrong_number_of_battles_is_refused(old: str, new: str, message: str) -> None:
    assert old in packaged_text()
    with pytest.raises(RulebookError, match=message):
        parse_rulebook(packaged_text().replace(old, new))
