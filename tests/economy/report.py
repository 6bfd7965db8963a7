"""The tables and plots of the simulated economy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path
from typing import NamedTuple

from tests.economy.fees import FeeYear
from tests.economy.loans import LoanYear
from tests.economy.scenarios import FEE_WORLDS, LOAN_WORLDS, SEED, TERMS, USD, FeeWorld, LoanWorld, recorded_fees
from tests.economy.shocks import DELAYS, SHOCKS, bad_part, book
from tests.load.svg import chart

SEEDS = 8
USERS = 1000
REFUSALS = ("above the allowance", "above the price", "not funded")
FEE_HEAD = (
    "| Fees | Accrued, USD | Treasury | Paymaster | Stakers | Still due | Yield of stakes | Calls sponsored "
    "| Refused: allowance / price / funds | Paid for gas |"
)
LOAN_HEAD = (
    "| Terms | World | Utilisation | Borrowers pay a year | Lenders gain | Liquidations | Liquidated, USD "
    "| Bad debt, USD: mean / worst | Years with bad debt |"
)


class LoanResult(NamedTuple):
    """What came out of a year of loans. Amounts are dollars."""

    utilisation: float
    rate: float
    gain: float
    liquidations: int
    liquidated: float
    bad: float


def fee_year(world: FeeWorld, fills: Path, seed: int = SEED) -> FeeYear:
    return FeeYear(world, recorded_fees(fills), USERS, seed).run()


def fee_row(year: FeeYear) -> str:
    """Return a line of the table of fees."""
    got = {name: paid[-1] / USD for name, paid in year.income.items()}
    refused = " / ".join(f"{year.outcomes[each]:,}" for each in REFUSALS)
    cells = (
        year.world.name, f"{year.collector.settled / USD:,.0f}", *(f"{got[each]:,.0f}" for each in got),
        f"{year.splitter.held / USD:,.0f}", f"{year.staking_yield():.1%}", f"{year.outcomes['sponsored']:,}", refused,
        f"{year.paymaster.spent / USD:,.0f}",
    )  # fmt: skip
    return row(cells)


def loan_result(terms: str, world: LoanWorld, seed: int) -> LoanResult:
    year = LoanYear(world, TERMS[terms], seed).run()
    used, rates = (sum(each) / len(each) for each in (year.utilisation, year.rates))
    return LoanResult(used, rates, year.gain, year.liquidations, year.liquidated / USD, float(year.pool.bad_debt) / USD)


def loan_row(terms: str, world: LoanWorld, results: Sequence[LoanResult]) -> str:
    """Return a line of the table of loans: averages over the years, but for the worst one."""
    mean = LoanResult(*(sum(each) / len(results) for each in zip(*results, strict=True)))
    bad = [result.bad for result in results]
    cells = (
        terms, world.name, f"{mean.utilisation:.0%}", f"{mean.rate:.1%}", f"{mean.gain:.2%}",
        f"{mean.liquidations:.0f}", f"{mean.liquidated:,.0f}", f"{mean.bad:,.0f} / {max(bad):,.0f}",
        f"{sum(each > 0 for each in bad)} of {len(bad)}",
    )  # fmt: skip
    return row(cells)


def shock_row(terms: str, hours: int) -> str:
    """Return a line of the table of falls."""
    pool = book(TERMS[terms])
    return row((terms, f"{hours} h", *(f"{bad_part(pool, shock, hours, SEED):.2%}" for shock in SHOCKS)))


def row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def tables(years: Sequence[FeeYear], seeds: int) -> dict[str, list[str]]:
    """Return the lines of each table, by its name."""
    with ProcessPoolExecutor() as processes:
        cases = list(product(TERMS, LOAN_WORLDS))
        runs = [[processes.submit(loan_result, *case, SEED + i) for i in range(seeds)] for case in cases]
        falls = [processes.submit(shock_row, *case) for case in product(TERMS, DELAYS)]
        loans = [loan_row(*case, [run.result() for run in same]) for case, same in zip(cases, runs, strict=True)]
        shocks = [each.result() for each in falls]
    shock_head = row(("Terms", "First liquidation after", *(f"−{shock} %" for shock in SHOCKS)))
    return {
        "fees": headed(FEE_HEAD, [fee_row(year) for year in years]),
        "loans": headed(LOAN_HEAD, loans),
        "shocks": headed(shock_head, shocks),
    }


def headed(head: str, rows: list[str]) -> list[str]:
    return [head, "|---" * (head.count("|") - 1) + "|", *rows]


def plots(year: FeeYear, seed: int = SEED) -> dict[str, str]:
    """Return the pictures, by their names: income, the year of loans with jumps, falls of the price."""
    income = {
        name: [(float(day), paid / USD) for day, paid in enumerate(line, 1)][::15] for name, line in year.income.items()
    }
    loans = LoanYear(LOAN_WORLDS[2], TERMS["75 / 80 / 5"], seed).run()
    weeks = range(0, len(loans.utilisation), 7 * 24)
    lines = {
        "utilisation": [(hour / 24, 100 * loans.utilisation[hour]) for hour in weeks],
        "rate a year": [(hour / 24, 100 * loans.rates[hour]) for hour in weeks],
        "price of ASTRA": [(hour / 24, 100 * loans.path[hour]) for hour in weeks],
    }
    falls = {}
    for name, hours in product(TERMS, (0, 24)):
        pool = book(TERMS[name])
        points = [(float(shock), 100 * bad_part(pool, shock, hours, seed)) for shock in SHOCKS]
        falls[f"{name}, after {hours} h"] = points
    return {
        "economy-income": chart("Paid by the splitter, as recorded", "Day", "USD", income),
        "economy-loans": chart("A year of loans with jumps", "Day", "Percent; the price in cents", lines),
        "economy-shocks": chart("Bad debt after a fall of the price", "Fall, percent", "Percent of all debts", falls),
    }


def fee_years(fills: Path) -> list[FeeYear]:
    return [fee_year(world, fills) for world in FEE_WORLDS]
