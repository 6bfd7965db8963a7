//! One owner, who hands over in two steps: the new owner has to accept. An owner cannot leave without a successor.

use starknet::ContractAddress;

#[starknet::interface]
pub trait IOwnable<TState> {
    fn owner(self: @TState) -> ContractAddress;
    /// Return the address that may accept the ownership; zero when none may.
    fn pending_owner(self: @TState) -> ContractAddress;
    /// Offer the ownership. A later offer replaces it, and one to address zero withdraws it.
    fn transfer_ownership(ref self: TState, new_owner: ContractAddress);
    fn accept_ownership(ref self: TState);
}

#[starknet::component]
pub mod OwnableComponent {
    use core::num::traits::Zero;
    use crate::shared::sequence::SequenceComponent;
    use crate::shared::sequence::SequenceComponent::InternalTrait as SequenceTrait;
    use starknet::storage::{StoragePointerReadAccess, StoragePointerWriteAccess};
    use starknet::{ContractAddress, get_caller_address};

    #[storage]
    pub struct Storage {
        pub Ownable_owner: ContractAddress,
        pub Ownable_pending_owner: ContractAddress,
    }

    #[event]
    #[derive(Drop, starknet::Event)]
    pub enum Event {
        OwnershipTransferStarted: OwnershipTransferStarted,
        OwnershipTransferred: OwnershipTransferred,
    }

    #[derive(Drop, starknet::Event)]
    pub struct OwnershipTransferStarted {
        pub sequence: u64,
        #[key]
        pub previous_owner: ContractAddress,
        #[key]
        pub new_owner: ContractAddress,
    }

    #[derive(Drop, starknet::Event)]
    pub struct OwnershipTransferred {
        pub sequence: u64,
        #[key]
        pub previous_owner: ContractAddress,
        #[key]
        pub new_owner: ContractAddress,
    }

    #[embeddable_as(OwnableImpl)]
    pub impl Ownable<
        TContractState,
        +HasComponent<TContractState>,
        impl Sequence: SequenceComponent::HasComponent<TContractState>,
        +Drop<TContractState>
    > of super::IOwnable<ComponentState<TContractState>> {
        fn owner(self: @ComponentState<TContractState>) -> ContractAddress {
            self.Ownable_owner.read()
        }

        fn pending_owner(self: @ComponentState<TContractState>) -> ContractAddress {
            self.Ownable_pending_owner.read()
        }

        fn transfer_ownership(
            ref self: ComponentState<TContractState>, new_owner: ContractAddress
        ) {
            self.assert_owner();
            self.Ownable_pending_owner.write(new_owner);
            let mut numbers = get_dep_component_mut!(ref self, Sequence);
            let sequence = numbers.next();
            let previous_owner = self.Ownable_owner.read();
            self.emit(OwnershipTransferStarted { sequence, previous_owner, new_owner });
        }

        fn accept_ownership(ref self: ComponentState<TContractState>) {
            let caller = get_caller_address();
            assert(caller == self.Ownable_pending_owner.read(), 'Ownable: not the pending owner');
            self.become(caller);
        }
    }

    #[generate_trait]
    pub impl InternalImpl<
        TContractState,
        +HasComponent<TContractState>,
        impl Sequence: SequenceComponent::HasComponent<TContractState>,
        +Drop<TContractState>
    > of InternalTrait<TContractState> {
        /// Set the first owner.
        fn initializer(ref self: ComponentState<TContractState>, owner: ContractAddress) {
            assert(owner.is_non_zero(), 'Ownable: owner is zero');
            self.become(owner);
        }

        /// Panic unless the owner calls.
        fn assert_owner(self: @ComponentState<TContractState>) {
            assert(get_caller_address() == self.Ownable_owner.read(), 'Ownable: not the owner');
        }

        fn become(ref self: ComponentState<TContractState>, new_owner: ContractAddress) {
            let previous_owner = self.Ownable_owner.read();
            self.Ownable_owner.write(new_owner);
            self.Ownable_pending_owner.write(Zero::zero());
            let mut numbers = get_dep_component_mut!(ref self, Sequence);
            let sequence = numbers.next();
            self.emit(OwnershipTransferred { sequence, previous_owner, new_owner });
        }
    }
}
