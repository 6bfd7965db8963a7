//! The arithmetic of a lending market: shares, debts, interest and reserves. It knows no accounts, tokens or prices.
//!
//! A fine number is an amount in units of the asset, times one ray. Every quotient is rounded against whoever calls.

use crate::shared::math::{Rounding, min, mul_div};

pub const RAY: u256 = 1000000000000000000000000000;
pub const YEAR_S: u256 = 31536000;
/// The utilisation, in rays, above which borrowing becomes expensive.
pub const KINK: u256 = 800000000000000000000000000;
/// Rates a year, in rays: 4 % at the kink, 60 % when everything is lent.
pub const RATE_AT_KINK: u256 = 40000000000000000000000000;
pub const RATE_MAX: u256 = 600000000000000000000000000;
/// Percent of the interest that the pool keeps.
pub const RESERVE_PERCENT: u256 = 10;
/// The index stops here: 10^6 rays, so that no product overflows and nothing is trapped.
pub const INDEX_MAX: u256 = 1000000000000000000000000000000000;
/// Shares for one unit of the first supply.
pub const SHARES_PER_UNIT: u256 = 1000000;
/// Units of the first supply whose shares belong to nobody.
pub const SEED: u256 = 1000;

#[derive(Copy, Drop, Serde, starknet::Store)]
pub struct Market {
    /// Units of the asset that the pool holds.
    pub cash: u256,
    /// Units that borrowers owed if the index were one ray.
    pub scaled_debt: u256,
    /// Rays that one scaled unit owes.
    pub index: u256,
    /// The pool's own part, as a fine number.
    pub reserves: u256,
    pub shares: u256,
    /// Seconds since 1970 up to which interest is added.
    pub updated_at: u64,
}

#[generate_trait]
pub impl MarketImpl of MarketTrait {
    fn fine_debt(self: @Market) -> u256 {
        *self.scaled_debt * *self.index
    }

    fn fine_assets(self: @Market) -> u256 {
        *self.cash * RAY + self.fine_debt() - *self.reserves
    }

    /// Return the units that belong to the lenders.
    fn assets(self: @Market) -> u256 {
        self.fine_assets() / RAY
    }

    /// Return the units that belong to the lenders. Panic when losses have left none.
    fn assets_left(self: @Market) -> u256 {
        let assets = self.assets();
        assert(assets > 0, 'LendingPool: nothing is left');
        assets
    }

    /// Return the units that all borrowers owe.
    fn debt(self: @Market) -> u256 {
        self.debt_of(*self.scaled_debt)
    }

    /// Return the units that a scaled debt owes.
    fn debt_of(self: @Market, scaled: u256) -> u256 {
        mul_div(scaled, *self.index, RAY, Rounding::Up)
    }

    /// Return the part of the lenders' assets that is lent, in rays.
    fn utilisation(self: @Market) -> u256 {
        let debt = self.fine_debt();
        let assets = self.fine_assets();
        if debt == 0 {
            0
        } else if debt >= assets {
            RAY
        } else {
            mul_div(debt, RAY, assets, Rounding::Up)
        }
    }

    /// Return the interest of a year, in rays.
    fn rate(self: @Market) -> u256 {
        let utilisation = self.utilisation();
        if utilisation <= KINK {
            mul_div(utilisation, RATE_AT_KINK, KINK, Rounding::Up)
        } else {
            let slope = RATE_MAX - RATE_AT_KINK;
            RATE_AT_KINK + mul_div(utilisation - KINK, slope, RAY - KINK, Rounding::Up)
        }
    }

    /// Add the interest since the last time.
    fn accrue(ref self: Market, now: u64) {
        let seconds: u256 = (now - self.updated_at).into();
        let growth = mul_div(self.index, self.rate() * seconds, RAY * YEAR_S, Rounding::Up);
        let index = min(self.index + growth, INDEX_MAX);
        let interest = self.scaled_debt * (index - self.index);
        self.reserves += mul_div(interest, RESERVE_PERCENT, 100, Rounding::Up);
        self.index = index;
        self.updated_at = now;
    }

    /// Add a supply and return the shares that its lender gets.
    fn supply(ref self: Market, amount: u256) -> u256 {
        let lender = if self.shares == 0 {
            assert(amount > SEED, 'LendingPool: below the seed');
            self.shares = amount * SHARES_PER_UNIT;
            self.shares - SEED * SHARES_PER_UNIT
        } else {
            let minted = mul_div(amount, self.shares, self.assets_left(), Rounding::Down);
            assert(minted > 0, 'LendingPool: mints no share');
            self.shares += minted;
            minted
        };
        self.cash += amount;
        lender
    }

    /// Return the shares that a withdrawal of units burns.
    fn shares_for(self: @Market, amount: u256) -> u256 {
        mul_div(amount, *self.shares, self.assets_left(), Rounding::Up)
    }

    /// Return the units that shares are worth.
    fn amount_for(self: @Market, shares: u256) -> u256 {
        if *self.shares == 0 {
            0
        } else {
            mul_div(shares, self.assets(), *self.shares, Rounding::Down)
        }
    }

    /// Burn shares and pay units for them.
    fn withdraw(ref self: Market, amount: u256, shares: u256) {
        assert(amount <= self.cash, 'LendingPool: not enough cash');
        self.shares -= shares;
        self.cash -= amount;
    }

    /// Lend units and return the scaled debt. The reserves stay in cash.
    fn borrow(ref self: Market, amount: u256) -> u256 {
        let kept = mul_div(self.reserves, 1, RAY, Rounding::Up);
        assert(kept <= self.cash, 'LendingPool: not enough cash');
        assert(amount <= self.cash - kept, 'LendingPool: not enough cash');
        let scaled = mul_div(amount, RAY, self.index, Rounding::Up);
        self.scaled_debt += scaled;
        self.cash -= amount;
        scaled
    }

    /// Return the scaled debt that a payment of a part of a debt ends.
    fn scaled_for(self: @Market, amount: u256) -> u256 {
        let scaled = mul_div(amount, RAY, *self.index, Rounding::Down);
        assert(scaled > 0, 'LendingPool: repays nothing');
        scaled
    }

    /// Take a payment that ends a scaled debt.
    fn repay(ref self: Market, amount: u256, scaled: u256) {
        self.scaled_debt -= scaled;
        self.cash += amount;
    }

    /// Pay units of the reserves.
    fn withdraw_reserves(ref self: Market, amount: u256) {
        assert(amount <= self.cash, 'LendingPool: not enough cash');
        assert(amount * RAY <= self.reserves, 'LendingPool: too few reserves');
        self.cash -= amount;
        self.reserves -= amount * RAY;
    }

    /// End a scaled debt for a payment of less, and return the loss of the pool as a whole and that of its reserves,
    /// as fine numbers.
    fn write_off(ref self: Market, amount: u256, scaled: u256) -> (u256, u256) {
        let owed = scaled * self.index;
        let loss = owed - min(owed, amount * RAY);
        let from_reserves = min(loss, self.reserves);
        self.repay(amount, scaled);
        self.reserves -= from_reserves;
        (loss, from_reserves)
    }
}
