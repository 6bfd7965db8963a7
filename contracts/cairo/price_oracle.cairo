//! Holds the price of a collateral in units of an asset.
//!
//! A feeder reports prices. One that is far from the last is held back until a later report confirms it, and meanwhile
//! there is no price. Who uses a price decides how old it may be.

/// A price is units of the asset for one unit of collateral, times this.
pub const PRICE_SCALE: u256 = 1000000000000000000000000000000000000;
/// 2^160, so that no product of a price overflows.
pub const PRICE_MAX: u256 = u256 { low: 0, high: 0x100000000 };
/// A report is at most this old, and a held price waits this long.
pub const REPORT_MAX_AGE_S: u64 = 60;
pub const CONFIRMATION_S: u64 = 60;
/// Percent that a price may move at once.
pub const DEVIATION_PERCENT: u256 = 10;
/// The role that reports prices.
pub const FEEDER: felt252 = 'FEEDER';

#[starknet::interface]
pub trait IPriceOracle<TState> {
    /// Return the price and the time of its observation. Panic while another price is held back.
    fn latest(self: @TState) -> (u256, u64);
    /// Return the price that is held back and the time of its observation; zeros when there is none.
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
    use super::{CONFIRMATION_S, DEVIATION_PERCENT, FEEDER, PRICE_MAX, REPORT_MAX_AGE_S};

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
        /// The price that is held back, since when, and the time of the last report.
        held_price: u256,
        held_at: u64,
        reported_at: u64,
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
        self.reported_at.write(get_block_timestamp());
        self.accept(price, get_block_timestamp());
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
            if is_near(price, self.price.read()) {
                self.accept(price, observed_at);
            } else {
                self.confirm_or_hold(price, observed_at);
            }
        }
    }

    #[generate_trait]
    impl Private of PrivateTrait {
        fn accept(ref self: ContractState, price: u256, observed_at: u64) {
            self.price.write(price);
            self.observed_at.write(observed_at);
            self.held_price.write(0);
            self.held_at.write(0);
            let sequence = self.sequence.next();
            self.emit(PriceUpdated { sequence, price, observed_at });
        }

        /// Accept a price that is far from the last one when it was held back long enough, or begin to hold it back.
        fn confirm_or_hold(ref self: ContractState, price: u256, observed_at: u64) {
            let held_at = self.held_at.read();
            if held_at == 0 || !is_near(price, self.held_price.read()) {
                self.held_price.write(price);
                self.held_at.write(observed_at);
                let sequence = self.sequence.next();
                self.emit(PriceHeld { sequence, price, observed_at });
            } else if observed_at - held_at >= CONFIRMATION_S {
                self.accept(price, observed_at);
            }
        }
    }

    fn assert_possible(price: u256) {
        assert(price > 0, 'PriceOracle: price is zero');
        assert(price <= PRICE_MAX, 'PriceOracle: price too large');
    }

    /// Return whether a price is at most the permitted part away from another one.
    fn is_near(price: u256, other: u256) -> bool {
        let distance = if price > other {
            price - other
        } else {
            other - price
        };
        distance * 100 <= other * DEVIATION_PERCENT
    }
}
