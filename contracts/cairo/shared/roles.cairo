//! Roles of a contract. Granting one takes an announcement; the owner revokes at once, and a holder may leave.

use starknet::ContractAddress;

#[starknet::interface]
pub trait IRoles<TState> {
    fn has_role(self: @TState, role: felt252, account: ContractAddress) -> bool;
    /// Grant a role; only as an executed announcement.
    fn grant_role(ref self: TState, role: felt252, account: ContractAddress);
    /// Revoke a role as the owner.
    fn revoke_role(ref self: TState, role: felt252, account: ContractAddress);
    /// Leave a role. The account repeats its own address, so that it does not leave by mistake.
    fn renounce_role(ref self: TState, role: felt252, account: ContractAddress);
}

#[starknet::component]
pub mod RolesComponent {
    use core::num::traits::Zero;
    use crate::shared::ownable::OwnableComponent;
    use crate::shared::ownable::OwnableComponent::InternalTrait as OwnableTrait;
    use crate::shared::sequence::SequenceComponent;
    use crate::shared::sequence::SequenceComponent::InternalTrait as SequenceTrait;
    use crate::shared::timelock::assert_self_called;
    use starknet::storage::{Map, StorageMapReadAccess, StorageMapWriteAccess};
    use starknet::{ContractAddress, get_caller_address};

    #[storage]
    pub struct Storage {
        pub Roles_held: Map<(felt252, ContractAddress), bool>,
    }

    #[event]
    #[derive(Drop, starknet::Event)]
    pub enum Event {
        RoleGranted: RoleGranted,
        RoleRevoked: RoleRevoked,
    }

    #[derive(Drop, starknet::Event)]
    pub struct RoleGranted {
        pub sequence: u64,
        pub role: felt252,
        pub account: ContractAddress,
        pub sender: ContractAddress,
    }

    #[derive(Drop, starknet::Event)]
    pub struct RoleRevoked {
        pub sequence: u64,
        pub role: felt252,
        pub account: ContractAddress,
        pub sender: ContractAddress,
    }

    #[embeddable_as(RolesImpl)]
    pub impl Roles<
        TContractState,
        +HasComponent<TContractState>,
        impl Sequence: SequenceComponent::HasComponent<TContractState>,
        impl Ownable: OwnableComponent::HasComponent<TContractState>,
        +Drop<TContractState>
    > of super::IRoles<ComponentState<TContractState>> {
        fn has_role(
            self: @ComponentState<TContractState>, role: felt252, account: ContractAddress
        ) -> bool {
            self.Roles_held.read((role, account))
        }

        fn grant_role(
            ref self: ComponentState<TContractState>, role: felt252, account: ContractAddress
        ) {
            assert_self_called();
            self.initializer(role, account);
        }

        fn revoke_role(
            ref self: ComponentState<TContractState>, role: felt252, account: ContractAddress
        ) {
            let ownable = get_dep_component!(@self, Ownable);
            ownable.assert_owner();
            self.remove(role, account);
        }

        fn renounce_role(
            ref self: ComponentState<TContractState>, role: felt252, account: ContractAddress
        ) {
            assert(get_caller_address() == account, 'Roles: not the account');
            self.remove(role, account);
        }
    }

    #[generate_trait]
    pub impl InternalImpl<
        TContractState,
        +HasComponent<TContractState>,
        impl Sequence: SequenceComponent::HasComponent<TContractState>,
        impl Ownable: OwnableComponent::HasComponent<TContractState>,
        +Drop<TContractState>
    > of InternalTrait<TContractState> {
        /// Give a role to its first holder.
        fn initializer(
            ref self: ComponentState<TContractState>, role: felt252, account: ContractAddress
        ) {
            assert(account.is_non_zero(), 'Roles: account is zero');
            assert(!self.Roles_held.read((role, account)), 'Roles: already granted');
            self.Roles_held.write((role, account), true);
            let sequence = self.next();
            self.emit(RoleGranted { sequence, role, account, sender: get_caller_address() });
        }

        /// Panic unless a holder of the role calls.
        fn assert_role(self: @ComponentState<TContractState>, role: felt252) {
            assert(self.Roles_held.read((role, get_caller_address())), 'Roles: missing role');
        }

        fn remove(
            ref self: ComponentState<TContractState>, role: felt252, account: ContractAddress
        ) {
            assert(self.Roles_held.read((role, account)), 'Roles: not granted');
            self.Roles_held.write((role, account), false);
            let sequence = self.next();
            self.emit(RoleRevoked { sequence, role, account, sender: get_caller_address() });
        }

        fn next(ref self: ComponentState<TContractState>) -> u64 {
            let mut numbers = get_dep_component_mut!(ref self, Sequence);
            numbers.next()
        }
    }
}
