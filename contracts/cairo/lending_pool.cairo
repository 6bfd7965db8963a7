//! Lends one token against another.
//!
//! Lenders supply the asset for shares. Borrowers deposit collateral and borrow the asset, up to 75 % of the collateral's
//! value. Above 80 % anyone may pay the debt for collateral of 105 % of the payment. The pool counts its tokens itself,
//! so a donated token changes nothing. The arithmetic of shares and interest is in `lending_market`,
//! that of collateral in `lending_risk`.

use crate::lending_market::Market;
use starknet::ContractAddress;

/// Caps are at most 2^100 units, and all collateral at most 2^128.
pub const CAP_MAX: u256 = 0x10000000000000000000000000;
pub const COLLATERAL_MAX: u256 = 0xffffffffffffffffffffffffffffffff;
#[starknet::interface]
pub trait ILendingPool<TState> {
    fn asset(self: @TState) -> ContractAddress;
    fn collateral(self: @TState) -> ContractAddress;
    fn oracle(self: @TState) -> ContractAddress;
    fn supply_cap(self: @TState) -> u256;
    fn borrow_cap(self: @TState) -> u256;
    /// Return the smallest debt that a borrower may have, besides none.
    fn min_debt(self: @TState) -> u256;
    /// Return the market with the interest up to now.
    fn market(self: @TState) -> Market;
    /// Return the interest of a year, in rays.
    fn rate(self: @TState) -> u256;
    fn shares_of(self: @TState, lender: ContractAddress) -> u256;
    /// Return the units that a lender's shares are worth.
    fn supplied_by(self: @TState, lender: ContractAddress) -> u256;
    fn collateral_of(self: @TState, borrower: ContractAddress) -> u256;
    fn total_collateral(self: @TState) -> u256;
    fn scaled_debt_of(self: @TState, borrower: ContractAddress) -> u256;
    /// Return the units that a borrower owes now.
    fn debt_of(self: @TState, borrower: ContractAddress) -> u256;
    /// Return the units that a borrower's collateral is worth. Panic when the price is stale.
    fn collateral_value(self: @TState, borrower: ContractAddress) -> u256;
    /// Return all debts that nobody will pay, as a fine number.
    fn bad_debt(self: @TState) -> u256;
    /// Add the interest up to now.
    fn accrue(ref self: TState);
    /// Take units of the asset from a lender and return the minted shares.
    fn supply(ref self: TState, amount: u256) -> u256;
    /// Pay units to a lender and return the burnt shares. Works while the pool is paused.
    fn withdraw(ref self: TState, amount: u256) -> u256;
    /// Burn shares of a lender and return the paid units. Works while the pool is paused.
    fn redeem(ref self: TState, shares: u256) -> u256;
    /// Take collateral. Works while the pool is paused.
    fn deposit_collateral(ref self: TState, amount: u256);
    /// Pay collateral back that the debt does not need. Works while the pool is paused.
    fn withdraw_collateral(ref self: TState, amount: u256);
    /// Pay units of the asset to a borrower.
    fn borrow(ref self: TState, amount: u256);
    /// Pay back a debt, at most all of it, and return the taken units. Works while the pool is paused.
    fn repay(ref self: TState, borrower: ContractAddress, amount: u256) -> u256;
    /// Pay up to `amount` of an unhealthy debt, and return the taken units and the seized collateral.
    fn liquidate(ref self: TState, borrower: ContractAddress, amount: u256) -> (u256, u256);
    /// Limit what is supplied and borrowed; only as an executed announcement.
    fn set_caps(ref self: TState, supply_cap: u256, borrow_cap: u256);
    /// Name another oracle; only as an executed announcement.
    fn set_oracle(ref self: TState, oracle: ContractAddress);
    /// Pay units of the reserves; only as an executed announcement.
    fn withdraw_reserves(ref self: TState, recipient: ContractAddress, amount: u256);
}

#[starknet::contract]
pub mod LendingPool {
    use core::num::traits::Zero;
    use crate::lending_events::{
        BadDebtRecorded, Borrowed, CapsChanged, CollateralDeposited, CollateralWithdrawn,
        InterestAccrued, Liquidated, OracleChanged, Repaid, ReservesWithdrawn, Supplied, Withdrawn
    };
    use crate::lending_market::{Market, MarketTrait, RAY};
    use crate::lending_risk::{
        fresh_price, is_covered, is_healthy, payment_for, pays_all, seized_for, value_of
    };
    use crate::shared::guard::ReentrancyGuardComponent;
    use crate::shared::ownable::OwnableComponent;
    use crate::shared::pausable::{PAUSER, PausableComponent};
    use crate::shared::roles::RolesComponent;
    use crate::shared::safe_erc20;
    use crate::shared::sequence::SequenceComponent;
    use crate::shared::timelock::{TimelockComponent, assert_self_called};
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess
    };
    use starknet::{
        ContractAddress, get_block_timestamp, get_caller_address, get_contract_address
    };
    use super::{CAP_MAX, COLLATERAL_MAX};

    component!(path: SequenceComponent, storage: sequence, event: SequenceEvent);
    component!(path: OwnableComponent, storage: ownable, event: OwnableEvent);
    component!(path: RolesComponent, storage: roles, event: RolesEvent);
    component!(path: PausableComponent, storage: pausable, event: PausableEvent);
    component!(path: TimelockComponent, storage: timelock, event: TimelockEvent);
    component!(path: ReentrancyGuardComponent, storage: guard, event: GuardEvent);

    #[abi(embed_v0)]
    impl SequenceImpl = SequenceComponent::SequenceImpl<ContractState>;
    #[abi(embed_v0)]
    impl OwnableImpl = OwnableComponent::OwnableImpl<ContractState>;
    #[abi(embed_v0)]
    impl RolesImpl = RolesComponent::RolesImpl<ContractState>;
    #[abi(embed_v0)]
    impl PausableImpl = PausableComponent::PausableImpl<ContractState>;
    #[abi(embed_v0)]
    impl TimelockImpl = TimelockComponent::TimelockImpl<ContractState>;
    impl SequenceInternal = SequenceComponent::InternalImpl<ContractState>;
    impl OwnableInternal = OwnableComponent::InternalImpl<ContractState>;
    impl RolesInternal = RolesComponent::InternalImpl<ContractState>;
    impl PausableInternal = PausableComponent::InternalImpl<ContractState>;
    impl GuardInternal = ReentrancyGuardComponent::InternalImpl<ContractState>;

    #[storage]
    struct Storage {
        #[substorage(v0)]
        sequence: SequenceComponent::Storage,
        #[substorage(v0)]
        ownable: OwnableComponent::Storage,
        #[substorage(v0)]
        roles: RolesComponent::Storage,
        #[substorage(v0)]
        pausable: PausableComponent::Storage,
        #[substorage(v0)]
        timelock: TimelockComponent::Storage,
        #[substorage(v0)]
        guard: ReentrancyGuardComponent::Storage,
        asset: ContractAddress,
        collateral: ContractAddress,
        oracle: ContractAddress,
        supply_cap: u256,
        borrow_cap: u256,
        min_debt: u256,
        market: Market,
        shares: Map<ContractAddress, u256>,
        scaled_debts: Map<ContractAddress, u256>,
        collaterals: Map<ContractAddress, u256>,
        total_collateral: u256,
        bad_debt: u256,
    }

    #[event]
    #[derive(Drop, starknet::Event)]
    enum Event {
        #[flat]
        SequenceEvent: SequenceComponent::Event,
        #[flat]
        OwnableEvent: OwnableComponent::Event,
        #[flat]
        RolesEvent: RolesComponent::Event,
        #[flat]
        PausableEvent: PausableComponent::Event,
        #[flat]
        TimelockEvent: TimelockComponent::Event,
        #[flat]
        GuardEvent: ReentrancyGuardComponent::Event,
        InterestAccrued: InterestAccrued,
        Supplied: Supplied,
        Withdrawn: Withdrawn,
        CollateralDeposited: CollateralDeposited,
        CollateralWithdrawn: CollateralWithdrawn,
        Borrowed: Borrowed,
        Repaid: Repaid,
        Liquidated: Liquidated,
        BadDebtRecorded: BadDebtRecorded,
        CapsChanged: CapsChanged,
        OracleChanged: OracleChanged,
        ReservesWithdrawn: ReservesWithdrawn,
    }

    #[constructor]
    fn constructor(
        ref self: ContractState,
        owner: ContractAddress,
        pauser: ContractAddress,
        asset: ContractAddress,
        collateral: ContractAddress,
        oracle: ContractAddress,
        supply_cap: u256,
        borrow_cap: u256,
        min_debt: u256
    ) {
        assert(asset.is_non_zero(), 'LendingPool: asset is zero');
        assert(collateral.is_non_zero(), 'LendingPool: collateral is zero');
        assert(asset != collateral, 'LendingPool: one token');
        assert(min_debt > 0, 'LendingPool: min debt is zero');
        self.ownable.initializer(owner);
        self.roles.initializer(PAUSER, pauser);
        self.asset.write(asset);
        self.collateral.write(collateral);
        self.min_debt.write(min_debt);
        let updated_at = get_block_timestamp();
        self
            .market
            .write(
                Market { cash: 0, scaled_debt: 0, index: RAY, reserves: 0, shares: 0, updated_at }
            );
        self.change_oracle(oracle);
        self.change_caps(supply_cap, borrow_cap);
    }

    #[abi(embed_v0)]
    impl LendingPoolImpl of super::ILendingPool<ContractState> {
        fn asset(self: @ContractState) -> ContractAddress {
            self.asset.read()
        }

        fn collateral(self: @ContractState) -> ContractAddress {
            self.collateral.read()
        }

        fn oracle(self: @ContractState) -> ContractAddress {
            self.oracle.read()
        }

        fn supply_cap(self: @ContractState) -> u256 {
            self.supply_cap.read()
        }

        fn borrow_cap(self: @ContractState) -> u256 {
            self.borrow_cap.read()
        }

        fn min_debt(self: @ContractState) -> u256 {
            self.min_debt.read()
        }

        fn market(self: @ContractState) -> Market {
            let mut market = self.market.read();
            market.accrue(get_block_timestamp());
            market
        }

        fn rate(self: @ContractState) -> u256 {
            self.market().rate()
        }

        fn shares_of(self: @ContractState, lender: ContractAddress) -> u256 {
            self.shares.read(lender)
        }

        fn supplied_by(self: @ContractState, lender: ContractAddress) -> u256 {
            self.market().amount_for(self.shares.read(lender))
        }

        fn collateral_of(self: @ContractState, borrower: ContractAddress) -> u256 {
            self.collaterals.read(borrower)
        }

        fn total_collateral(self: @ContractState) -> u256 {
            self.total_collateral.read()
        }

        fn scaled_debt_of(self: @ContractState, borrower: ContractAddress) -> u256 {
            self.scaled_debts.read(borrower)
        }

        fn debt_of(self: @ContractState, borrower: ContractAddress) -> u256 {
            self.market().debt_of(self.scaled_debts.read(borrower))
        }

        fn collateral_value(self: @ContractState, borrower: ContractAddress) -> u256 {
            self.value(borrower)
        }

        fn bad_debt(self: @ContractState) -> u256 {
            self.bad_debt.read()
        }

        fn accrue(ref self: ContractState) {
            self.guard.start();
            let market = self.accrued();
            self.market.write(market);
            self.guard.end();
        }

        fn supply(ref self: ContractState, amount: u256) -> u256 {
            self.pausable.assert_not_paused();
            self.guard.start();
            assert(amount > 0, 'LendingPool: amount is zero');
            let mut market = self.accrued();
            let shares = market.supply(amount);
            assert(market.assets() <= self.supply_cap.read(), 'LendingPool: supply cap');
            let lender = get_caller_address();
            self.market.write(market);
            self.shares.write(lender, self.shares.read(lender) + shares);
            let sequence = self.sequence.next();
            self.emit(Supplied { sequence, lender, amount, shares });
            safe_erc20::receive(self.asset.read(), lender, amount);
            self.guard.end();
            shares
        }

        fn withdraw(ref self: ContractState, amount: u256) -> u256 {
            self.guard.start();
            assert(amount > 0, 'LendingPool: amount is zero');
            let market = self.accrued();
            let shares = market.shares_for(amount);
            self.pay_lender(market, amount, shares);
            self.guard.end();
            shares
        }

        fn redeem(ref self: ContractState, shares: u256) -> u256 {
            self.guard.start();
            let market = self.accrued();
            let amount = market.amount_for(shares);
            assert(amount > 0, 'LendingPool: amount is zero');
            self.pay_lender(market, amount, shares);
            self.guard.end();
            amount
        }

        fn deposit_collateral(ref self: ContractState, amount: u256) {
            self.guard.start();
            assert(amount > 0, 'LendingPool: amount is zero');
            let borrower = get_caller_address();
            let total = self.total_collateral.read() + amount;
            assert(total <= COLLATERAL_MAX, 'LendingPool: collateral limit');
            self.total_collateral.write(total);
            self.collaterals.write(borrower, self.collaterals.read(borrower) + amount);
            let sequence = self.sequence.next();
            self.emit(CollateralDeposited { sequence, borrower, amount });
            safe_erc20::receive(self.collateral.read(), borrower, amount);
            self.guard.end();
        }

        fn withdraw_collateral(ref self: ContractState, amount: u256) {
            self.guard.start();
            assert(amount > 0, 'LendingPool: amount is zero');
            let market = self.accrued();
            self.market.write(market);
            let borrower = get_caller_address();
            self.take_collateral(borrower, amount);
            self.assert_covered(borrower, market);
            let sequence = self.sequence.next();
            self.emit(CollateralWithdrawn { sequence, borrower, amount });
            safe_erc20::transfer(self.collateral.read(), borrower, amount);
            self.guard.end();
        }

        fn borrow(ref self: ContractState, amount: u256) {
            self.pausable.assert_not_paused();
            self.guard.start();
            assert(amount > 0, 'LendingPool: amount is zero');
            let mut market = self.accrued();
            let borrower = get_caller_address();
            let scaled = self.scaled_debts.read(borrower) + market.borrow(amount);
            assert(market.debt() <= self.borrow_cap.read(), 'LendingPool: borrow cap');
            self.market.write(market);
            let debt = self.change_debt(borrower, market, scaled);
            self.assert_covered(borrower, market);
            let sequence = self.sequence.next();
            self.emit(Borrowed { sequence, borrower, amount, debt });
            safe_erc20::transfer(self.asset.read(), borrower, amount);
            self.guard.end();
        }

        fn repay(ref self: ContractState, borrower: ContractAddress, amount: u256) -> u256 {
            self.guard.start();
            assert(amount > 0, 'LendingPool: amount is zero');
            let mut market = self.accrued();
            let (paid, debt) = self.pay_debt(borrower, ref market, amount);
            self.market.write(market);
            let payer = get_caller_address();
            let sequence = self.sequence.next();
            self.emit(Repaid { sequence, borrower, payer, amount: paid, debt });
            safe_erc20::receive(self.asset.read(), payer, paid);
            self.guard.end();
            paid
        }

        fn liquidate(
            ref self: ContractState, borrower: ContractAddress, amount: u256
        ) -> (u256, u256) {
            self.pausable.assert_not_paused();
            self.guard.start();
            let mut market = self.accrued();
            let price = fresh_price(self.oracle.read());
            let held = self.collaterals.read(borrower);
            let value = value_of(held, price);
            let debt = market.debt_of(self.scaled_debts.read(borrower));
            assert(!is_healthy(debt, value), 'LendingPool: healthy');
            let (paid, seized, left) = if pays_all(debt, value) {
                self.seize_part(borrower, ref market, amount, price)
            } else {
                let paid = payment_for(value);
                assert(amount >= paid, 'LendingPool: pays too little');
                self.end_bad_debt(borrower, ref market, paid);
                (paid, held, 0)
            };
            self.market.write(market);
            self.take_collateral(borrower, seized);
            let liquidator = get_caller_address();
            let sequence = self.sequence.next();
            self
                .emit(
                    Liquidated { sequence, borrower, liquidator, paid, seized, debt: left, price }
                );
            self.exchange(liquidator, paid, seized);
            self.guard.end();
            (paid, seized)
        }

        fn set_caps(ref self: ContractState, supply_cap: u256, borrow_cap: u256) {
            assert_self_called();
            self.change_caps(supply_cap, borrow_cap);
        }

        fn set_oracle(ref self: ContractState, oracle: ContractAddress) {
            assert_self_called();
            self.change_oracle(oracle);
        }

        fn withdraw_reserves(ref self: ContractState, recipient: ContractAddress, amount: u256) {
            assert_self_called();
            self.guard.start();
            assert(recipient.is_non_zero(), 'LendingPool: recipient is zero');
            assert(recipient != get_contract_address(), 'LendingPool: pays itself');
            assert(amount > 0, 'LendingPool: amount is zero');
            let mut market = self.accrued();
            market.withdraw_reserves(amount);
            self.market.write(market);
            let sequence = self.sequence.next();
            self.emit(ReservesWithdrawn { sequence, recipient, amount });
            safe_erc20::transfer(self.asset.read(), recipient, amount);
            self.guard.end();
        }
    }

    #[generate_trait]
    impl Private of PrivateTrait {
        /// Return the market with the interest up to now, which the caller must write.
        fn accrued(ref self: ContractState) -> Market {
            let before = self.market.read();
            let mut market = before;
            market.accrue(get_block_timestamp());
            if market.index != before.index {
                let sequence = self.sequence.next();
                let (index, rate, reserves) = (market.index, before.rate(), market.reserves);
                self.emit(InterestAccrued { sequence, index, rate, reserves });
            }
            market
        }

        /// Return what a borrower's collateral is worth.
        fn value(self: @ContractState, borrower: ContractAddress) -> u256 {
            value_of(self.collaterals.read(borrower), fresh_price(self.oracle.read()))
        }

        /// Burn shares of the caller and pay for them.
        fn pay_lender(ref self: ContractState, market: Market, amount: u256, shares: u256) {
            let lender = get_caller_address();
            let owned = self.shares.read(lender);
            assert(shares <= owned, 'LendingPool: not enough shares');
            let mut market = market;
            market.withdraw(amount, shares);
            self.market.write(market);
            self.shares.write(lender, owned - shares);
            let sequence = self.sequence.next();
            self.emit(Withdrawn { sequence, lender, amount, shares });
            safe_erc20::transfer(self.asset.read(), lender, amount);
        }

        fn take_collateral(ref self: ContractState, borrower: ContractAddress, amount: u256) {
            let held = self.collaterals.read(borrower);
            assert(amount <= held, 'LendingPool: too little held');
            self.collaterals.write(borrower, held - amount);
            self.total_collateral.write(self.total_collateral.read() - amount);
        }

        /// Panic when a debt needs more collateral. No debt needs no price.
        fn assert_covered(self: @ContractState, borrower: ContractAddress, market: Market) {
            let scaled = self.scaled_debts.read(borrower);
            if scaled > 0 {
                let debt = market.debt_of(scaled);
                assert(is_covered(debt, self.value(borrower)), 'LendingPool: not covered');
            }
        }

        /// Write another debt and return its units.
        fn change_debt(
            ref self: ContractState, borrower: ContractAddress, market: Market, scaled: u256
        ) -> u256 {
            let debt = market.debt_of(scaled);
            assert(debt == 0 || debt >= self.min_debt.read(), 'LendingPool: debt is dust');
            self.scaled_debts.write(borrower, scaled);
            debt
        }

        /// Pay a debt, at most all of it, and return what was paid and what is left.
        fn pay_debt(
            ref self: ContractState, borrower: ContractAddress, ref market: Market, amount: u256
        ) -> (u256, u256) {
            let scaled = self.scaled_debts.read(borrower);
            assert(scaled > 0, 'LendingPool: no debt');
            let debt = market.debt_of(scaled);
            let (paid, ended) = if amount >= debt {
                (debt, scaled)
            } else {
                (amount, market.scaled_for(amount))
            };
            market.repay(paid, ended);
            (paid, self.change_debt(borrower, market, scaled - ended))
        }

        /// Pay a part of a debt that the collateral covers with the bonus. Return the payment, the collateral for it and
        /// what is left of the debt.
        fn seize_part(
            ref self: ContractState,
            borrower: ContractAddress,
            ref market: Market,
            amount: u256,
            price: u256
        ) -> (u256, u256, u256) {
            assert(amount > 0, 'LendingPool: amount is zero');
            let held = self.collaterals.read(borrower);
            let debt = market.debt_of(self.scaled_debts.read(borrower));
            let (paid, left) = self.pay_debt(borrower, ref market, amount);
            let seized = seized_for(paid, price);
            let before = value_of(held, price);
            let after = value_of(held - seized, price);
            assert(left == 0 || after * debt > before * left, 'LendingPool: no better health');
            (paid, seized, left)
        }

        /// End a debt for all that its collateral is worth, and record what nobody pays.
        fn end_bad_debt(
            ref self: ContractState, borrower: ContractAddress, ref market: Market, paid: u256
        ) {
            let scaled = self.scaled_debts.read(borrower);
            self.scaled_debts.write(borrower, 0);
            let (amount, from_reserves) = market.write_off(paid, scaled);
            if amount > 0 {
                self.bad_debt.write(self.bad_debt.read() + amount);
                let sequence = self.sequence.next();
                self.emit(BadDebtRecorded { sequence, borrower, amount, from_reserves });
            }
        }

        /// Take the payment of a liquidator and pay the collateral. Either may be nothing.
        fn exchange(
            ref self: ContractState, liquidator: ContractAddress, paid: u256, seized: u256
        ) {
            if paid > 0 {
                safe_erc20::receive(self.asset.read(), liquidator, paid);
            }
            if seized > 0 {
                safe_erc20::transfer(self.collateral.read(), liquidator, seized);
            }
        }

        fn change_caps(ref self: ContractState, supply_cap: u256, borrow_cap: u256) {
            assert(supply_cap <= CAP_MAX, 'LendingPool: cap too large');
            assert(borrow_cap <= CAP_MAX, 'LendingPool: cap too large');
            self.supply_cap.write(supply_cap);
            self.borrow_cap.write(borrow_cap);
            let sequence = self.sequence.next();
            self.emit(CapsChanged { sequence, supply_cap, borrow_cap });
        }

        fn change_oracle(ref self: ContractState, oracle: ContractAddress) {
            assert(oracle.is_non_zero(), 'LendingPool: oracle is zero');
            self.oracle.write(oracle);
            let sequence = self.sequence.next();
            self.emit(OracleChanged { sequence, oracle });
        }
    }
}
