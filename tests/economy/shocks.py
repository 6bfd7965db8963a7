"""What a fall of the price costs lenders when nobody can liquidate for a while."""

from __future__ import annotations

import math
import random
from copy import deepcopy

from tests.chain.reference_lending import OracleModel, PoolModel, Terms
from tests.economy.loans import CAP, MIN_DEBT, NEVER
from tests.economy.scenarios import ASTRA, DOLLAR, HOUR_S, USD

LENDER = 1
BORROWERS = range(2, 82)
DEBT = 10_000 * USD
PATHS = 20
VOLATILITY = 0.9
SHOCKS = (0, 5, 10, 15, 20, 25, 30, 40, 50)
"""Percent that the price falls at once."""
DELAYS = (0, 1, 6, 24)
"""Hours from the fall to the first liquidation."""


def book(terms: Terms) -> PoolModel:
    """Return a pool whose debts lie evenly between 40 % of their collateral and where they are liquidated."""
    pool = PoolModel(OracleModel(DOLLAR, 0), CAP, CAP, MIN_DEBT, now=0, terms=terms)
    pool.supply(0, LENDER, DEBT * len(BORROWERS) * 5 // 4)
    for number, who in enumerate(BORROWERS):
        part = 0.4 + (float(terms.liquidation) - 0.4) * number / (len(BORROWERS) - 1)
        pool.deposit_collateral(0, who, int(DEBT * 2) * (ASTRA // USD))
        pool.borrow(0, who, DEBT)
        pool.collateral[who] = math.ceil(DEBT / part) * (ASTRA // USD)
    return pool


def bad_part(pool: PoolModel, shock: int, hours: int, seed: int) -> float:
    """Return the part of all debts that is bad after a fall in percent and a delay, on average over many paths."""
    draw, debts, bad = random.Random(f"shock {seed}"), pool.exact_debt, 0.0
    for _ in range(PATHS):
        moved = math.exp(draw.gauss(0, VOLATILITY * math.sqrt(hours / 24 / 365)))
        bad += float(_liquidated(pool, int(DOLLAR * (100 - shock) * moved) // 100, hours * HOUR_S).bad_debt / debts)
    return bad / PATHS


def _liquidated(pool: PoolModel, price: int, now: int) -> PoolModel:
    """Return the pool after all liquidations that a price permits."""
    after = deepcopy(pool)
    after.oracle = OracleModel(price, now)
    after.accrue(now)
    for who in BORROWERS:
        if after.debt(who) > after.value(who, price) * after.terms.liquidation:
            after.liquidate(now, who, NEVER)
    return after
