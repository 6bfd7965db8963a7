//! Holds the price of a collateral in units of an asset.
//!
//! A feeder reports prices. One that is far from a recent one is held back until a later report confirms it, and
//! meanwhile there is no price. A feeder chooses the time of an observation, so prices are compared by the time of
//! blocks. The user of a price decides how old it may be.

/// A price is units of the asset for one unit of collateral, times this.
pub const PRICE_SCALE: u256 = 1000000000000000000000000000000000000;
/// 2^160, so that no product of a price overflows.
pub const PRICE_MAX: u256 = u256 { low: 0, high: 0x100000000 };
/// An observation is at most this old.
pub const REPORT_MAX_AGE_S: u64 = 60;
/// A held price waits this long, by the time of blocks.
pub const CONFIRMATION_S: u64 = 60;
/// Prices of this period of block time and of the one before are recent.
pub const PERIOD_S: u64 = 60;
/// Percent that a price may be away from a recent one.
pub const DEVIATION_PERCENT: u256 = 10;
/// The role that reports prices.
pub const FEEDER: felt252 = 'FEEDER';

#[starknet::interface]
pub trait IPriceOracle<TState> {
    /// Return the price and the time of its observation. Panic while another price is held back.
    fn latest(self: @TState) -> (u256, u64);
    /// Return the price that is held back and the time of the block that held it back; zeros when there is none.
    fn held(self: @TState) -> (u256, u64);
    /// Set the price that was observed at a time, in seconds since 1970, or hold it back.
    fn report(ref self: TState, price: u256, observed_at: u64);
}

#[starknet::contract]
pub mod PriceOracle {
    use crate::shared::ownable::OwnableComponent;
    use crate::shared::pausable::{PAUSER, PausableComponent};
    use crate::shared::roles::RolesComponent;
    use crate::shared::sequence::SequenceComponent;
    use crate::shared::timelock::TimelockComponent;
    use starknet::storage::{StoragePointerReadAccess, StoragePointerWriteAccess};
    use starknet::{ContractAddress, get_block_timestamp};
    use super::{CONFIRMATION_S, DEVIATION_PERCENT, FEEDER, PERIOD_S, PRICE_MAX, REPORT_MAX_AGE_S};

    component!(path: SequenceComponent, storage: sequence, event: SequenceEvent);
    component!(path: OwnableComponent, storage: ownable, event: OwnableEvent);
    component!(path: RolesComponent, storage: roles, event: RolesEvent);
    component!(path: PausableComponent, storage: pausable, event: PausableEvent);
    component!(path: TimelockComponent, storage: timelock, event: TimelockEvent);

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
        price: u256,
        observed_at: u64,
        /// The price that is held back, the time of the block that held it back, and the newest observation.
        held_price: u256,
        held_at: u64,
        reported_at: u64,
        /// The prices in force in the period of the last accepted price, and in the period before it.
        period: u64,
        in_period: Range,
        in_period_before: Range,
    }

    /// The lowest and the highest of some prices.
    #[derive(Copy, Drop, starknet::Store)]
    struct Range {
        low: u256,
        high: u256,
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
        PriceUpdated: PriceUpdated,
        PriceHeld: PriceHeld,
    }

    #[derive(Drop, starknet::Event)]
    pub struct PriceUpdated {
        pub sequence: u64,
        pub price: u256,
        pub observed_at: u64,
    }

    #[derive(Drop, starknet::Event)]
    pub struct PriceHeld {
        pub sequence: u64,
        pub price: u256,
        pub observed_at: u64,
    }

    #[constructor]
    fn constructor(
        ref self: ContractState,
        owner: ContractAddress,
        pauser: ContractAddress,
        feeder: ContractAddress,
        price: u256
    ) {
        self.ownable.initializer(owner);
        self.roles.initializer(PAUSER, pauser);
        self.roles.initializer(FEEDER, feeder);
        assert_possible(price);
        let now = get_block_timestamp();
        self.reported_at.write(now);
        let alone = Range { low: price, high: price };
        self.set_recent(now, alone, alone);
        self.accept(price, now);
    }

    #[abi(embed_v0)]
    impl PriceOracleImpl of super::IPriceOracle<ContractState> {
        fn latest(self: @ContractState) -> (u256, u64) {
            assert(self.held_at.read() == 0, 'PriceOracle: price is held back');
            (self.price.read(), self.observed_at.read())
        }

        fn held(self: @ContractState) -> (u256, u64) {
            (self.held_price.read(), self.held_at.read())
        }

        fn report(ref self: ContractState, price: u256, observed_at: u64) {
            self.pausable.assert_not_paused();
            self.roles.assert_role(FEEDER);
            assert_possible(price);
            let now = get_block_timestamp();
            assert(observed_at <= now, 'PriceOracle: of the future');
            assert(now - observed_at <= REPORT_MAX_AGE_S, 'PriceOracle: too old');
            assert(observed_at > self.reported_at.read(), 'PriceOracle: not newer');
            self.reported_at.write(observed_at);
            let (in_period, before) = self.recent(now);
            if in_period.is_near(price) && before.is_near(price) {
                self.set_recent(now, in_period.with(price), before);
                self.accept(price, observed_at);
            } else {
                self.confirm_or_hold(price, observed_at, now);
            }
        }
    }

    #[generate_trait]
    impl Private of PrivateTrait {
        /// Return the prices that were in force in the period of a time so far, and in the one before.
        fn recent(self: @ContractState, now: u64) -> (Range, Range) {
            let price = self.price.read();
            let alone = Range { low: price, high: price };
            let passed = now / PERIOD_S - self.period.read();
            if passed == 0 {
                (self.in_period.read(), self.in_period_before.read())
            } else if passed == 1 {
                (alone, self.in_period.read())
            } else {
                (alone, alone)
            }
        }

        /// Write the recent prices of a time.
        fn set_recent(ref self: ContractState, now: u64, in_period: Range, before: Range) {
            self.period.write(now / PERIOD_S);
            self.in_period.write(in_period);
            self.in_period_before.write(before);
        }

        fn accept(ref self: ContractState, price: u256, observed_at: u64) {
            self.price.write(price);
            self.observed_at.write(observed_at);
            self.held_price.write(0);
            self.held_at.write(0);
            let sequence = self.sequence.next();
            self.emit(PriceUpdated { sequence, price, observed_at });
        }

        /// Accept a price that is far from a recent one when it was held back long enough, or begin to hold it back.
        fn confirm_or_hold(ref self: ContractState, price: u256, observed_at: u64, now: u64) {
            let held_at = self.held_at.read();
            let held = self.held_price.read();
            if held_at == 0 || !is_near(price, held) {
                self.held_price.write(price);
                self.held_at.write(now);
                let sequence = self.sequence.next();
                self.emit(PriceHeld { sequence, price, observed_at });
            } else if now - held_at >= CONFIRMATION_S {
                let confirmed = Range { low: held, high: held }.with(price);
                self.set_recent(now, confirmed, confirmed);
                self.accept(price, observed_at);
            }
        }
    }

    #[generate_trait]
    impl RangeImpl of RangeTrait {
        /// Return whether a price is near each one of the range.
        fn is_near(self: @Range, price: u256) -> bool {
            is_near(price, *self.low) && is_near(price, *self.high)
        }

        fn with(self: @Range, price: u256) -> Range {
            let low = if price < *self.low { price } else { *self.low };
            let high = if price > *self.high { price } else { *self.high };
            Range { low, high }
        }
    }

    fn assert_possible(price: u256) {
        assert(price > 0, 'PriceOracle: price is zero');
        assert(price <= PRICE_MAX, 'PriceOracle: price too large');
    }

    /// Return whether a price is at most the permitted part of another one away from it.
    fn is_near(price: u256, other: u256) -> bool {
        let distance = if price > other {
            price - other
        } else {
            other - price
        };
        distance * 100 <= other * DEVIATION_PERCENT
    }
}
