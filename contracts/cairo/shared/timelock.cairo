//! Changes that everyone can see 48 hours before they happen: upgrades, roles and parameters.
//!
//! The owner announces a call of the contract to itself, waits, and executes or cancels it. A function that only such
//! a call may reach begins with `assert_self_called()`.

use starknet::{ClassHash, get_caller_address, get_contract_address};

/// Seconds from the announcement of a call to its earliest execution: 48 hours.
pub const DELAY_S: u64 = 172800;

/// Panic unless the contract calls itself, which only an executed announcement does.
pub fn assert_self_called() {
    assert(get_caller_address() == get_contract_address(), 'Timelock: only when announced');
}

#[starknet::interface]
pub trait ITimelock<TState> {
    /// Return seconds since 1970 from which an announced call may be executed; 0 when it is not announced.
    fn ready_at(self: @TState, id: felt252) -> u64;
    /// Announce a call of this contract to itself and return its id, the Poseidon hash of selector and calldata.
    fn announce(ref self: TState, selector: felt252, calldata: Span<felt252>) -> felt252;
    /// Make an announced call whose time has come.
    fn execute(ref self: TState, selector: felt252, calldata: Span<felt252>);
    /// Withdraw an announcement.
    fn cancel(ref self: TState, id: felt252);
    /// Replace the code; only as an executed announcement.
    fn upgrade(ref self: TState, new_class_hash: ClassHash);
}

#[starknet::component]
pub mod TimelockComponent {
    use core::num::traits::Zero;
    use core::poseidon::poseidon_hash_span;
    use crate::shared::ownable::OwnableComponent;
    use crate::shared::ownable::OwnableComponent::InternalTrait as OwnableTrait;
    use crate::shared::sequence::SequenceComponent;
    use crate::shared::sequence::SequenceComponent::InternalTrait as SequenceTrait;
    use starknet::storage::{Map, StorageMapReadAccess, StorageMapWriteAccess};
    use starknet::syscalls::{call_contract_syscall, replace_class_syscall};
    use starknet::{ClassHash, SyscallResultTrait, get_block_timestamp, get_contract_address};
    use super::{DELAY_S, assert_self_called};

    #[storage]
    pub struct Storage {
        pub Timelock_ready_at: Map<felt252, u64>,
    }

    #[event]
    #[derive(Drop, starknet::Event)]
    pub enum Event {
        CallAnnounced: CallAnnounced,
        CallExecuted: CallExecuted,
        CallCancelled: CallCancelled,
        Upgraded: Upgraded,
    }

    #[derive(Drop, starknet::Event)]
    pub struct CallAnnounced {
        pub sequence: u64,
        #[key]
        pub id: felt252,
        pub ready_at: u64,
        pub selector: felt252,
        pub calldata: Span<felt252>,
    }

    #[derive(Drop, starknet::Event)]
    pub struct CallExecuted {
        pub sequence: u64,
        #[key]
        pub id: felt252,
    }

    #[derive(Drop, starknet::Event)]
    pub struct CallCancelled {
        pub sequence: u64,
        #[key]
        pub id: felt252,
    }

    #[derive(Drop, starknet::Event)]
    pub struct Upgraded {
        pub sequence: u64,
        pub class_hash: ClassHash,
    }

    #[embeddable_as(TimelockImpl)]
    pub impl Timelock<
        TContractState,
        +HasComponent<TContractState>,
        impl Sequence: SequenceComponent::HasComponent<TContractState>,
        impl Ownable: OwnableComponent::HasComponent<TContractState>,
        +Drop<TContractState>
    > of super::ITimelock<ComponentState<TContractState>> {
        fn ready_at(self: @ComponentState<TContractState>, id: felt252) -> u64 {
            self.Timelock_ready_at.read(id)
        }

        fn announce(
            ref self: ComponentState<TContractState>, selector: felt252, calldata: Span<felt252>
        ) -> felt252 {
            self.assert_owner();
            let id = id_of(selector, calldata);
            assert(self.Timelock_ready_at.read(id) == 0, 'Timelock: already announced');
            let ready_at = get_block_timestamp() + DELAY_S;
            self.Timelock_ready_at.write(id, ready_at);
            let sequence = self.next();
            self.emit(CallAnnounced { sequence, id, ready_at, selector, calldata });
            id
        }

        fn execute(
            ref self: ComponentState<TContractState>, selector: felt252, calldata: Span<felt252>
        ) {
            self.assert_owner();
            let id = id_of(selector, calldata);
            let ready_at = self.Timelock_ready_at.read(id);
            assert(ready_at != 0, 'Timelock: not announced');
            assert(get_block_timestamp() >= ready_at, 'Timelock: too early');
            self.Timelock_ready_at.write(id, 0);
            let sequence = self.next();
            self.emit(CallExecuted { sequence, id });
            call_contract_syscall(get_contract_address(), selector, calldata).unwrap_syscall();
        }

        fn cancel(ref self: ComponentState<TContractState>, id: felt252) {
            self.assert_owner();
            assert(self.Timelock_ready_at.read(id) != 0, 'Timelock: not announced');
            self.Timelock_ready_at.write(id, 0);
            let sequence = self.next();
            self.emit(CallCancelled { sequence, id });
        }

        fn upgrade(ref self: ComponentState<TContractState>, new_class_hash: ClassHash) {
            assert_self_called();
            assert(new_class_hash.is_non_zero(), 'Timelock: class hash is zero');
            replace_class_syscall(new_class_hash).unwrap_syscall();
            let sequence = self.next();
            self.emit(Upgraded { sequence, class_hash: new_class_hash });
        }
    }

    #[generate_trait]
    impl PrivateImpl<
        TContractState,
        +HasComponent<TContractState>,
        impl Sequence: SequenceComponent::HasComponent<TContractState>,
        impl Ownable: OwnableComponent::HasComponent<TContractState>,
        +Drop<TContractState>
    > of PrivateTrait<TContractState> {
        fn assert_owner(self: @ComponentState<TContractState>) {
            let ownable = get_dep_component!(self, Ownable);
            ownable.assert_owner();
        }

        fn next(ref self: ComponentState<TContractState>) -> u64 {
            let mut numbers = get_dep_component_mut!(ref self, Sequence);
            numbers.next()
        }
    }

    fn id_of(selector: felt252, calldata: Span<felt252>) -> felt252 {
        let mut hashed = array![selector];
        hashed.append_span(calldata);
        poseidon_hash_span(hashed.span())
    }
}
