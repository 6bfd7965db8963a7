//! What collateral is worth, and how much debt it carries. All values are units of the asset.

use crate::price_oracle::{IPriceOracleDispatcher, IPriceOracleDispatcherTrait, PRICE_SCALE};
use crate::shared::math::{Rounding, min, mul_div};
use starknet::{ContractAddress, get_block_timestamp};

/// Percent of the collateral's value that may be borrowed.
pub const LOAN_TO_VALUE_PERCENT: u256 = 75;
/// Percent above which a debt may be liquidated.
pub const LIQUIDATION_PERCENT: u256 = 80;
/// Percent of a liquidator's payment that the seized collateral is worth.
pub const SEIZED_PERCENT: u256 = 105;
/// A price that is older is refused.
pub const PRICE_MAX_AGE_S: u64 = 60;
/// A higher value covers every debt, so values are cut off here.
pub const VALUE_MAX: u256 = 0xffffffffffffffffffffffffffffffff;

/// Return the price of an oracle. Panic when it is too old.
pub fn fresh_price(oracle: ContractAddress) -> u256 {
    let (price, observed_at) = IPriceOracleDispatcher { contract_address: oracle }.latest();
    assert(price > 0, 'LendingPool: price is zero');
    assert(get_block_timestamp() <= observed_at + PRICE_MAX_AGE_S, 'LendingPool: price is stale');
    price
}

/// Return what collateral is worth.
pub fn value_of(collateral: u256, price: u256) -> u256 {
    min(mul_div(collateral, price, PRICE_SCALE, Rounding::Down), VALUE_MAX)
}

/// Return whether a borrower may have a debt after a loan or a withdrawal of collateral.
pub fn is_covered(debt: u256, value: u256) -> bool {
    debt <= mul_div(value, LOAN_TO_VALUE_PERCENT, 100, Rounding::Down)
}

/// Return whether nobody may liquidate a debt.
pub fn is_healthy(debt: u256, value: u256) -> bool {
    debt <= mul_div(value, LIQUIDATION_PERCENT, 100, Rounding::Down)
}

/// Return whether collateral is worth the whole debt with the bonus of its liquidator.
pub fn pays_all(debt: u256, value: u256) -> bool {
    mul_div(debt, SEIZED_PERCENT, 100, Rounding::Up) <= value
}

/// Return what a liquidator pays for collateral of a value.
pub fn payment_for(value: u256) -> u256 {
    mul_div(value, 100, SEIZED_PERCENT, Rounding::Up)
}

/// Return the collateral that a liquidator gets for a payment.
pub fn seized_for(payment: u256, price: u256) -> u256 {
    mul_div(payment * SEIZED_PERCENT, PRICE_SCALE, price * 100, Rounding::Down)
}
