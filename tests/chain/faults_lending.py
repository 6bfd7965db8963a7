"""Faults that are planted in copies of the lending contracts, and the promise that each one breaks."""

from __future__ import annotations

from typing import Final

from tests.chain import (
    test_lending_attacks,
    test_lending_borrow,
    test_lending_liquidation,
    test_lending_machine,
    test_lending_supply,
    test_price_oracle,
)
from tests.chain.deployed import Chain
from tests.chain.faults import Fault, Promise
from tests.chain.lending import ASTRA, DOLLAR, USD, Lending


def _fault(file: str, text: str, planted: str, promise: Promise, contract: str = "LendingPool") -> Fault:
    return Fault(file, text, planted, contract, promise)


def _machine(chain: Chain, lending: Lending) -> None:
    test_lending_machine.run_lending(chain, lending, shrink=False)


def _rounded(text: str, planted: str) -> Fault:
    """Round one quotient of the market the wrong way."""
    return _fault("lending_market.cairo", text, planted, _machine)


LENDING_FAULTS: Final = {
    "shares minted up": _rounded(
        "mul_div(amount, self.shares, self.assets_left(), Rounding::Down)",
        "mul_div(amount, self.shares, self.assets_left(), Rounding::Up)",
    ),
    "shares burnt down": _rounded(
        "mul_div(amount, *self.shares, self.assets_left(), Rounding::Up)",
        "mul_div(amount, *self.shares, self.assets_left(), Rounding::Down)",
    ),
    "payment of shares up": _rounded(
        "mul_div(shares, self.assets(), *self.shares, Rounding::Down)",
        "mul_div(shares, self.assets(), *self.shares, Rounding::Up)",
    ),
    "debt down": _rounded(
        "mul_div(scaled, *self.index, RAY, Rounding::Up)", "mul_div(scaled, *self.index, RAY, Rounding::Down)"
    ),
    "loan down": _rounded(
        "mul_div(amount, RAY, self.index, Rounding::Up)", "mul_div(amount, RAY, self.index, Rounding::Down)"
    ),
    "payment of a debt up": _rounded(
        "mul_div(amount, RAY, *self.index, Rounding::Down)", "mul_div(amount, RAY, *self.index, Rounding::Up)"
    ),
    "no seed": _fault(
        "lending_market.cairo",
        "self.shares - SEED * SHARES_PER_UNIT\n",
        "self.shares\n",
        lambda _, lending: test_lending_supply.test_the_first_supply_leaves_shares_that_belong_to_nobody(lending),
    ),
    "donation counted as lent": _fault(
        "lending_pool.cairo",
        "            let mut market = before;\n            market.accrue(get_block_timestamp());",
        "            let mut market = before;\n"
        "            market.cash = safe_erc20::balance_of(self.asset.read(), get_contract_address());\n"
        "            market.accrue(get_block_timestamp());",
        lambda _, lending: test_lending_attacks.test_a_donation_changes_no_number_of_the_pool(lending),
    ),
    "stale price accepted": _fault(
        "lending_risk.cairo",
        "get_block_timestamp() <= observed_at + PRICE_MAX_AGE_S",
        "get_block_timestamp() + PRICE_MAX_AGE_S >= observed_at",
        lambda _, lending: test_lending_liquidation.test_a_stale_price_liquidates_nobody(_indebted(lending)),
    ),
    "no check after a loan": _fault(
        "lending_pool.cairo",
        "let debt = self.change_debt(borrower, market, scaled);\n            self.assert_covered(borrower, market);",
        "let debt = self.change_debt(borrower, market, scaled);",
        lambda _, lending: test_lending_borrow.test_a_loan_is_at_most_75_percent_of_the_collateral(lending),
    ),
    "no check after a withdrawal of collateral": _fault(
        "lending_pool.cairo",
        "self.take_collateral(borrower, amount);\n            self.assert_covered(borrower, market);",
        "self.take_collateral(borrower, amount);",
        lambda _, lending: test_lending_borrow.test_collateral_that_the_debt_needs_stays(lending),
    ),
    "healthy debts liquidated": _fault(
        "lending_pool.cairo",
        "assert(!is_healthy(debt, value), 'LendingPool: healthy');",
        "assert(debt > 0, 'LendingPool: healthy');",
        lambda _, lending: test_lending_liquidation.test_a_healthy_debt_is_not_liquidated(_indebted(lending)),
    ),
    "bad debt forgotten": _fault(
        "lending_market.cairo", "self.reserves -= from_reserves;", "self.reserves -= 0;", _machine
    ),
    "reserves not kept": _fault(
        "lending_market.cairo",
        "self.reserves += mul_div(interest, RESERVE_PERCENT, 100, Rounding::Up);",
        "self.reserves += mul_div(interest, 0, 100, Rounding::Up);",
        _machine,
    ),
    "a pause that traps lenders": _fault(
        "lending_pool.cairo",
        "fn withdraw(ref self: ContractState, amount: u256) -> u256 {",
        "fn withdraw(ref self: ContractState, amount: u256) -> u256 {\n            self.pausable.assert_not_paused();",
        lambda _, lending: test_lending_supply.test_a_pause_stops_supplies_and_no_withdrawal(lending),
    ),
    "a jump of the price counts at once": _fault(
        "price_oracle.cairo",
        "distance * 100 <= other * DEVIATION_PERCENT",
        "distance * DEVIATION_PERCENT <= other * 100",
        lambda _, lending: test_price_oracle.test_one_wrong_report_changes_no_price(lending),
        "PriceOracle",
    ),
    "a wait that an old observation shortens": _fault(
        "price_oracle.cairo",
        "self.held_at.write(now);",
        "self.held_at.write(observed_at);",
        lambda _, lending: test_price_oracle.test_the_time_of_an_observation_does_not_shorten_the_wait(lending),
        "PriceOracle",
    ),
    "a price compared with the last one alone": _fault(
        "price_oracle.cairo",
        "if in_period.is_near(price) && before.is_near(price) {",
        "if is_near(price, self.price.read()) {",
        lambda _, lending: test_price_oracle.test_many_reports_of_one_block_do_not_add_up(lending),
        "PriceOracle",
    ),
    "a minute that is forgotten": _fault(
        "price_oracle.cairo",
        "(alone, self.in_period.read())",
        "(alone, alone)",
        lambda _, lending: test_price_oracle.test_the_prices_of_the_minute_before_are_recent(lending),
        "PriceOracle",
    ),
    "a jump that goes on": _fault(
        "price_oracle.cairo",
        "Range { low: held, high: held }.with(price);",
        "Range { low: price, high: price };",
        lambda _, lending: (
            test_price_oracle.test_a_confirmed_price_is_near_the_one_that_was_held_back_and_so_is_the_next(lending)
        ),
        "PriceOracle",
    ),
}


def _indebted(lending: Lending) -> Lending:
    lending.lend(10_000 * USD)
    lending.owe(750 * USD, 1000 * ASTRA)
    lending.report(DOLLAR)
    return lending
