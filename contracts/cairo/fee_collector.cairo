//! Receives the accrued fees batch by batch, and passes them on to the splitter.
//!
//! The settler sends batch 1, 2, 3, …, each once, with its total for each source and the tokens. A batch names the hash
//! of the one before, so a settler that has lost its place, or a second one, cannot settle anything twice. Tokens that
//! arrive in another way are a surplus: they go to the splitter, too, but never count as fees.

use starknet::ContractAddress;

/// A batch has at most this many sources.
pub const SOURCES_MAX: u32 = 32;
/// The role that settles batches.
pub const SETTLER: felt252 = 'SETTLER';

#[derive(Copy, Drop, Serde)]
pub struct SourceTotal {
    /// The source's name, as a short string.
    pub source: felt252,
    /// Units of the token.
    pub amount: u256,
}

#[starknet::interface]
pub trait IFeeCollector<TState> {
    fn token(self: @TState) -> ContractAddress;
    fn splitter(self: @TState) -> ContractAddress;
    /// Return the number and the hash of the last batch; zeros before the first one.
    fn last_batch(self: @TState) -> (u64, felt252);
    /// Return the hash of a settled batch; 0 when it is not settled.
    fn batch_hash(self: @TState, batch: u64) -> felt252;
    /// Return all units that were ever settled.
    fn total_settled(self: @TState) -> u256;
    /// Return the units of one source that were ever settled.
    fn total_of(self: @TState, source: felt252) -> u256;
    /// Return the settled units that went to the splitter.
    fn total_swept(self: @TState) -> u256;
    /// Return the units beyond settled batches that went to the splitter.
    fn total_surplus(self: @TState) -> u256;
    /// Take the tokens of the next batch from the settler and return the batch's hash.
    ///
    /// `totals` must be sorted by source, so that the same totals always give the same hash. `details` is a hash of the
    /// ledger entries in the batch. The contract includes it in the batch's hash and does not read it otherwise.
    fn settle_batch(
        ref self: TState,
        batch: u64,
        previous_hash: felt252,
        details: felt252,
        totals: Span<SourceTotal>
    ) -> felt252;
    /// Send the whole balance to the splitter. Anyone may call, even while the contract is paused.
    fn sweep_fees(ref self: TState);
    /// Name another splitter; only as an executed announcement.
    fn set_splitter(ref self: TState, splitter: ContractAddress);
}

#[starknet::contract]
pub mod FeeCollector {
    use core::num::traits::Zero;
    use core::poseidon::poseidon_hash_span;
    use crate::shared::guard::ReentrancyGuardComponent;
    use crate::shared::math::min;
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
    use starknet::{ContractAddress, get_caller_address, get_contract_address};
    use super::{SETTLER, SOURCES_MAX, SourceTotal};

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
        token: ContractAddress,
        splitter: ContractAddress,
        last_batch: u64,
        batch_hashes: Map<u64, felt252>,
        total_settled: u256,
        totals: Map<felt252, u256>,
        total_swept: u256,
        total_surplus: u256,
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
        BatchSettled: BatchSettled,
        FeesSwept: FeesSwept,
        SplitterChanged: SplitterChanged,
    }

    #[derive(Drop, starknet::Event)]
    pub struct BatchSettled {
        pub sequence: u64,
        #[key]
        pub batch: u64,
        pub previous_hash: felt252,
        pub hash: felt252,
        pub details: felt252,
        pub amount: u256,
        pub totals: Span<SourceTotal>,
    }

    /// `amount` units of settled batches, up to `batch`, and `surplus` units besides went to the splitter.
    #[derive(Drop, starknet::Event)]
    pub struct FeesSwept {
        pub sequence: u64,
        #[key]
        pub splitter: ContractAddress,
        pub batch: u64,
        pub amount: u256,
        pub surplus: u256,
    }

    #[derive(Drop, starknet::Event)]
    pub struct SplitterChanged {
        pub sequence: u64,
        pub splitter: ContractAddress,
    }

    #[constructor]
    fn constructor(
        ref self: ContractState,
        owner: ContractAddress,
        pauser: ContractAddress,
        settler: ContractAddress,
        token: ContractAddress,
        splitter: ContractAddress
    ) {
        assert(token.is_non_zero(), 'FeeCollector: token is zero');
        self.ownable.initializer(owner);
        self.roles.initializer(PAUSER, pauser);
        self.roles.initializer(SETTLER, settler);
        self.token.write(token);
        self.change_splitter(splitter);
    }

    #[abi(embed_v0)]
    impl FeeCollectorImpl of super::IFeeCollector<ContractState> {
        fn token(self: @ContractState) -> ContractAddress {
            self.token.read()
        }

        fn splitter(self: @ContractState) -> ContractAddress {
            self.splitter.read()
        }

        fn last_batch(self: @ContractState) -> (u64, felt252) {
            let batch = self.last_batch.read();
            (batch, self.batch_hashes.read(batch))
        }

        fn batch_hash(self: @ContractState, batch: u64) -> felt252 {
            self.batch_hashes.read(batch)
        }

        fn total_settled(self: @ContractState) -> u256 {
            self.total_settled.read()
        }

        fn total_of(self: @ContractState, source: felt252) -> u256 {
            self.totals.read(source)
        }

        fn total_swept(self: @ContractState) -> u256 {
            self.total_swept.read()
        }

        fn total_surplus(self: @ContractState) -> u256 {
            self.total_surplus.read()
        }

        fn settle_batch(
            ref self: ContractState,
            batch: u64,
            previous_hash: felt252,
            details: felt252,
            totals: Span<SourceTotal>
        ) -> felt252 {
            self.pausable.assert_not_paused();
            self.roles.assert_role(SETTLER);
            self.guard.start();
            let last = self.last_batch.read();
            assert(batch == last + 1, 'FeeCollector: batch order');
            assert(previous_hash == self.batch_hashes.read(last), 'FeeCollector: previous hash');
            let hash = hash_of(batch, previous_hash, details, totals);
            self.last_batch.write(batch);
            self.batch_hashes.write(batch, hash);
            let amount = self.add_totals(totals);
            let sequence = self.sequence.next();
            self
                .emit(
                    BatchSettled { sequence, batch, previous_hash, hash, details, amount, totals }
                );
            safe_erc20::receive(self.token.read(), get_caller_address(), amount);
            self.guard.end();
            hash
        }

        fn sweep_fees(ref self: ContractState) {
            self.guard.start();
            let token = self.token.read();
            let balance = safe_erc20::balance_of(token, get_contract_address());
            assert(balance > 0, 'FeeCollector: nothing to sweep');
            // A token that takes balances away leaves less than was settled; the rest stays unswept.
            let amount = min(balance, self.total_settled.read() - self.total_swept.read());
            let surplus = balance - amount;
            self.total_swept.write(self.total_swept.read() + amount);
            self.total_surplus.write(self.total_surplus.read() + surplus);
            let splitter = self.splitter.read();
            let sequence = self.sequence.next();
            let batch = self.last_batch.read();
            self.emit(FeesSwept { sequence, splitter, batch, amount, surplus });
            safe_erc20::transfer(token, splitter, balance);
            self.guard.end();
        }

        fn set_splitter(ref self: ContractState, splitter: ContractAddress) {
            assert_self_called();
            self.change_splitter(splitter);
        }
    }

    #[generate_trait]
    impl Private of PrivateTrait {
        /// Add the totals of a batch to those of their sources and return their sum.
        fn add_totals(ref self: ContractState, totals: Span<SourceTotal>) -> u256 {
            assert(!totals.is_empty(), 'FeeCollector: no source');
            assert(totals.len() <= SOURCES_MAX, 'FeeCollector: too many sources');
            let mut sum: u256 = 0;
            let mut previous: u256 = 0;
            for total in totals {
                let source = *total.source;
                assert(source.into() > previous, 'FeeCollector: order of sources');
                previous = source.into();
                assert(*total.amount > 0, 'FeeCollector: amount is zero');
                sum += *total.amount;
                self.totals.write(source, self.totals.read(source) + *total.amount);
            };
            self.total_settled.write(self.total_settled.read() + sum);
            sum
        }

        fn change_splitter(ref self: ContractState, splitter: ContractAddress) {
            assert(splitter.is_non_zero(), 'FeeCollector: splitter is zero');
            assert(splitter != get_contract_address(), 'FeeCollector: sweeps to itself');
            self.splitter.write(splitter);
            let sequence = self.sequence.next();
            self.emit(SplitterChanged { sequence, splitter });
        }
    }

    fn hash_of(
        batch: u64, previous_hash: felt252, details: felt252, totals: Span<SourceTotal>
    ) -> felt252 {
        let mut hashed = array![];
        (batch, previous_hash, details, totals).serialize(ref hashed);
        poseidon_hash_span(hashed.span())
    }
}
