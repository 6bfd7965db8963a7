//! A stop switch. A pauser or the owner pauses, only the owner resumes. Each contract says what a pause stops; it never
//! stops the way out of what an address already owns.

#[starknet::interface]
pub trait IPausable<TState> {
    fn is_paused(self: @TState) -> bool;
    fn pause(ref self: TState);
    fn unpause(ref self: TState);
}

/// The role that may pause.
pub const PAUSER: felt252 = 'PAUSER';

#[starknet::component]
pub mod PausableComponent {
    use crate::shared::ownable::OwnableComponent;
    use crate::shared::ownable::OwnableComponent::InternalTrait as OwnableTrait;
    use crate::shared::roles::RolesComponent;
    use crate::shared::roles::RolesComponent::InternalTrait as RolesTrait;
    use crate::shared::sequence::SequenceComponent;
    use crate::shared::sequence::SequenceComponent::InternalTrait as SequenceTrait;
    use starknet::storage::{StoragePointerReadAccess, StoragePointerWriteAccess};
    use starknet::{ContractAddress, get_caller_address};
    use super::PAUSER;

    #[storage]
    pub struct Storage {
        pub Pausable_paused: bool,
    }

    #[event]
    #[derive(Drop, starknet::Event)]
    pub enum Event {
        Paused: Paused,
        Unpaused: Unpaused,
    }

    #[derive(Drop, starknet::Event)]
    pub struct Paused {
        pub sequence: u64,
        pub account: ContractAddress,
    }

    #[derive(Drop, starknet::Event)]
    pub struct Unpaused {
        pub sequence: u64,
        pub account: ContractAddress,
    }

    #[embeddable_as(PausableImpl)]
    pub impl Pausable<
        TContractState,
        +HasComponent<TContractState>,
        impl Sequence: SequenceComponent::HasComponent<TContractState>,
        impl Ownable: OwnableComponent::HasComponent<TContractState>,
        impl Roles: RolesComponent::HasComponent<TContractState>,
        +Drop<TContractState>
    > of super::IPausable<ComponentState<TContractState>> {
        fn is_paused(self: @ComponentState<TContractState>) -> bool {
            self.Pausable_paused.read()
        }

        fn pause(ref self: ComponentState<TContractState>) {
            let account = get_caller_address();
            let ownable = get_dep_component!(@self, Ownable);
            if account != ownable.Ownable_owner.read() {
                let roles = get_dep_component!(@self, Roles);
                roles.assert_role(PAUSER);
            }
            self.assert_not_paused();
            self.Pausable_paused.write(true);
            let mut numbers = get_dep_component_mut!(ref self, Sequence);
            let sequence = numbers.next();
            self.emit(Paused { sequence, account });
        }

        fn unpause(ref self: ComponentState<TContractState>) {
            let ownable = get_dep_component!(@self, Ownable);
            ownable.assert_owner();
            assert(self.Pausable_paused.read(), 'Pausable: not paused');
            self.Pausable_paused.write(false);
            let mut numbers = get_dep_component_mut!(ref self, Sequence);
            let sequence = numbers.next();
            self.emit(Unpaused { sequence, account: get_caller_address() });
        }
    }

    #[generate_trait]
    pub impl InternalImpl<
        TContractState, +HasComponent<TContractState>
    > of InternalTrait<TContractState> {
        /// Panic while the contract is paused.
        fn assert_not_paused(self: @ComponentState<TContractState>) {
            assert(!self.Pausable_paused.read(), 'Pausable: paused');
        }
    }
}
